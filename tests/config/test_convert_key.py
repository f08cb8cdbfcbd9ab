"""`data.train[].convert`: a word or a section; wrong words and losses that do not take what is made are located."""

from __future__ import annotations

import pytest
from config_text import excerpt, load, only_problem, problems_of

from embtune.catalog.conversions import Target
from embtune.config.sections.convert import ConvertConfig


def text(convert: str, loss: str = "mnrl", more: str = "") -> str:
    data = f"{{path: a.jsonl, convert: {convert}{more}}}"
    return f"output_dir: r\nmodel: {{name_or_path: m}}\ndata: {{train: [{data}]}}\nloss: {loss}\n"


def test_a_word_is_a_section_with_nothing_else() -> None:
    word, section = (load(text(each)).config.data.train[0].convert for each in ("pairs", "{to: pairs}"))
    assert word == section == ConvertConfig(to=Target.PAIRS)
    assert word is not None
    assert word.options() == {}


def test_what_is_resolved_loads_back() -> None:
    loaded = load(text("{to: pairs, threshold: 0.7}"))
    assert load(loaded.resolved_yaml()).config == loaded.config
    convert = loaded.config.data.train[0].convert
    assert convert is not None
    assert convert.options() == {"threshold": 0.7}


@pytest.mark.parametrize(
    ("convert", "code", "said"),
    [
        ("pair", "bad-value", "did you mean 'pairs'?"),
        ("{to: tripletts}", "bad-value", "did you mean 'triplets'?"),
        ("{to: pairs, thresold: 0.5}", "unknown-key", "did you mean 'threshold'?"),
        ("{to: pairs, threshold: 3}", "bad-value", "at most 1"),
        ("{to: triplets, negatives: 0}", "bad-value", "at least 1"),
        ("{threshold: 0.5}", "missing-key", "'to'"),
        ("[pairs]", "wrong-type", "a section"),
    ],
)
def test_a_mistake_is_one_error_with_its_remedy(convert: str, code: str, said: str) -> None:
    problem = only_problem(text(convert))
    assert problem.code == code
    assert said in problem.render()


@pytest.mark.parametrize(
    ("convert", "loss"),
    [("binary", "mnrl"), ("pairs", "TripletLoss"), ("damaged", "CoSENTLoss"), ("{to: list}", "TripletLoss")],
)
def test_a_loss_that_does_not_take_what_is_made_is_told_before_data_is_read(convert: str, loss: str) -> None:
    problem = only_problem(text(convert, loss))
    assert problem.code == "loss-does-not-fit"
    assert excerpt(problem).startswith(convert[:4])
    assert problem.hint is not None
    assert problem.hint.startswith("losses that do: ")


def test_the_loss_of_the_set_is_the_one_that_counts() -> None:
    assert load(text("binary", more=", loss: ContrastiveLoss")).config.data.train
    assert [each.code for each in problems_of(text("binary", "ContrastiveLoss", ", loss: mnrl"))] == [
        "loss-does-not-fit"
    ]


@pytest.mark.parametrize(("convert", "loss"), [("n-tuples", "mnrl"), ("list", "mnrl"), ("damaged", "tsdae")])
def test_losses_that_take_it_pass(convert: str, loss: str) -> None:
    assert load(text(convert, loss)).config.data.train

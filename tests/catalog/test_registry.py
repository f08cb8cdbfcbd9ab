"""Finding entries, near misses, the README's table."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from embtune.catalog import UnknownLoss, all_specs, entries, find_spec, losses_fitting, nearest
from embtune.catalog.conversions import CONVERSIONS, conversions_from, losses_after
from embtune.catalog.spec import LabelKind
from embtune.catalog.table import BEGIN, END, losses_table_markdown, with_table

README = Path(__file__).parents[2] / "README.md"


def test_every_module_of_entries_is_found_and_specs_are_sorted() -> None:
    names = [spec.name for spec in all_specs()]
    assert names == sorted(names)
    assert len(list(pkgutil.iter_modules(entries.__path__))) <= len(names)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("TripetLoss", "TripletLoss"),
        ("cosent_loss", "CoSENTLoss"),
        ("MultipleNegativeRankingLoss", "MultipleNegativesRankingLoss"),
    ],
)
def test_an_unknown_loss_names_the_nearest(word: str, meant: str) -> None:
    with pytest.raises(UnknownLoss, match=f"Did you mean '{meant}'"):
        find_spec(word)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("TSDAE", "DenoisingAutoEncoderLoss"),
        ("MNRL", "MultipleNegativesRankingLoss"),
        ("tripletloss", "TripletLoss"),
        ("matryoshkaLOSS", "MatryoshkaLoss"),
    ],
)
def test_case_does_not_matter_in_a_name_or_alias(word: str, name: str) -> None:
    assert find_spec(word).name == name


def test_no_two_names_differ_in_case_alone() -> None:
    folded = [word.casefold() for spec in all_specs() for word in (spec.name, spec.alias)]
    assert len(set(folded)) == len(folded)


def test_a_word_like_nothing_gets_no_guess() -> None:
    assert nearest("xyzzy", ("anchor", "positive")) is None
    with pytest.raises(UnknownLoss, match="'embtune list-losses' shows all"):
        find_spec("xyzzy")


def test_losses_made_for_the_label_and_recommended_ones_come_first() -> None:
    pair = ("sentence_A", "sentence_B")
    of_scores = [spec.name for spec in losses_fitting(pair, LabelKind.SCORE)]
    assert of_scores[:3] == ["CoSENTLoss", "AnglELoss", "CosineSimilarityLoss"]
    assert losses_fitting(pair, LabelKind.BINARY)[0].name == "ContrastiveLoss"


@pytest.mark.parametrize("label", list(LabelKind))
def test_a_loss_of_any_texts_comes_last(label: LabelKind) -> None:
    assert losses_fitting(("anchor", "positive"), label)[-1].name == "GlobalOrthogonalRegularizationLoss"


def test_conversions_lead_to_losses_that_do_not_fit_yet() -> None:
    pair = ("sentence_A", "sentence_B")
    found = {way.target.roles: losses_after(way) for way in conversions_from(pair, LabelKind.BINARY)}
    assert "TripletLoss" in [spec.name for spec in found["anchor", "positive", "negative"]]
    assert all(str(way).endswith(")") for way in CONVERSIONS)


def test_the_catalogue_loads_without_numbers_or_networks() -> None:
    code = "import sys, embtune.catalog as c; c.all_specs(); print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_table_names_every_loss_once_and_replaces_only_what_is_between_the_marks() -> None:
    lines = losses_table_markdown().splitlines()
    assert [line.split("|")[1].strip(" *") for line in lines[2:]] == [spec.name for spec in all_specs()]
    text = f"above\n{BEGIN}\nold\n{END}\nbelow\n"
    assert with_table(text) == with_table(with_table(text))
    assert with_table(text).startswith("above\n")
    assert with_table(text).endswith("\nbelow\n")
    assert "old" not in with_table(text)


def test_the_readme_has_the_table_of_today() -> None:
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    if BEGIN not in text:
        pytest.skip("README.md has no table of losses")
    assert text == with_table(text), "run: python -m embtune.catalog.table --write README.md"

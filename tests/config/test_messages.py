"""Behaviour 3: messages say what was found, what is wanted and what to write, without the library's jargon."""

from __future__ import annotations

import pytest
from config_text import BASE, excerpt, load, only_problem, problems_of

CASES = [
    # text, code, what the caret is under, message, hint
    ("seed: abc", "wrong-type", "abc", "seed: expected a whole number, found the text 'abc'", None),
    ('seed: "7"', "wrong-type", '"7"', "seed: expected a whole number, found the text '7'", "write 'seed: 7'"),
    ("seed: 1.5", "wrong-type", "1.5", "seed: expected a whole number, found 1.5", None),
    ("seed: true", "wrong-type", "true", "seed: expected a whole number, found true", None),
    ("seed: -1", "bad-value", "-1", "seed: must be at least 0, found -1", None),
    ("seed: [1]", "wrong-type", "[1]", "seed: expected a whole number, found a list of 1", None),
    ("seed:", "wrong-type", "seed", "seed: expected a whole number, found nothing (null)",
     "give it a value, or remove the line to get the default"),
    ("train: {learning_rate: -1}", "bad-value", "-1", "train.learning_rate: must be greater than 0, found -1", None),
    ("train: {learning_rate: .nan}", "bad-value", ".nan",
     "train.learning_rate: must be a finite number, found .nan", None),
    ("eval: {on_start: yes}", "wrong-type", "yes", "eval.on_start: expected true or false, found the text 'yes'",
     "yes is a word in YAML 1.2; write 'on_start: true'"),
    ("train: {micro_batch_tokens: 0}", "bad-value", "0",
     "train.micro_batch_tokens: must be at least 1, or be auto, found 0", None),
    ("train: {precision: bf17}", "bad-value", "bf17",
     "train.precision: expected one of auto, fp32, bf16, fp16, bf16_weights; found the text 'bf17'",
     "did you mean 'bf16'?"),
    ("train: 3", "wrong-type", "3", "train: expected a section of 'key: value' lines, found 3", None),
    ("eval: {steps: 1.5}", "bad-value", "1.5",
     "eval.steps: expected a number of steps (1, 2, ...) or a share of training (between 0 and 1), found 1.5", None),
    ("checkpoint: {steps: 0}", "bad-value", "0",
     "checkpoint.steps: expected a number of steps (1, 2, ...) or a share of training (between 0 and 1), found 0",
     None),
    ("eval: {evaluators: [similarty]}", "bad-value", "similarty",
     "eval.evaluators.0: expected one of similarity, retrieval, triplet, binary, translation, nearest_centroid, "
     "class_pairs; found the text 'similarty'",
     "did you mean 'similarity'?"),
    ("modifiers: MatryoshkaLoss", "wrong-type", "MatryoshkaLoss",
     "modifiers: expected a list, found the text 'MatryoshkaLoss'", "write 'modifiers: [MatryoshkaLoss]'"),
    ("modifiers: [{name: MatryoshkaLoss, dims: [8, 0]}]", "bad-value", "0",
     "modifiers.0.dims.1: must be at least 1, found 0", None),
    ("modifiers: [{name: MatryoshkaLoss}]", "missing-key", "{name: MatryoshkaLoss}",
     "the key 'dims' of 'modifiers.0' is missing", "add 'dims: ...', such as 'dims: [384, 256, 128, 64]'"),
    ("modifiers: [MatryoshkaLoss]", "missing-key", "MatryoshkaLoss", "the key 'dims' of 'modifiers.0' is missing",
     "write '- {name: MatryoshkaLoss, dims: [384, 256, 128, 64]}', for example"),
    ("modifiers: [cosent]", "misplaced-loss", "cosent", "modifiers.0: CoSENTLoss is a loss, no modifier",
     "move it under 'loss:'"),
    ("sead: 3", "unknown-key", "sead", "sead: unknown key 'sead'", "did you mean 'seed'?"),
    ("train: {batchsize: 3}", "unknown-key", "batchsize", "train.batchsize: unknown key 'batchsize'",
     "did you mean 'batch_size'?"),
    ("hub: {zzz: 3}", "unknown-key", "zzz", "hub.zzz: unknown key 'zzz'", "the keys here are push, repo_id"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "under", "message", "hint"), CASES)
def test_one_mistake_is_one_clear_error(text: str, code: str, under: str, message: str, hint: str | None) -> None:
    problem = only_problem(f"{BASE}{text}\n")
    assert (problem.code, excerpt(problem), problem.message, problem.hint) == (code, under, message, hint)


LOSSES = [
    ("{name: TripetLoss}", "unknown-loss", "TripetLoss"),
    ("TripetLoss", "unknown-loss", "TripetLoss"),
    ("[cosent, {name: nope, weight: 2}]", "unknown-loss", "nope"),
    ("{name: cosent, scael: 3}", "unknown-key", "scael"),
    ("{name: cosent, scale: x}", "wrong-type", "x"),
    ("{name: cosent, scale: 3, temperature: 3}", "bad-value", "3"),
    ("{name: cosent, margin: 3}", "unknown-key", "margin"),
    ("{name: cosent, weight: 0}", "bad-value", "0"),
    ("{name: cosent, similarity_fct: cos}", "bad-value", "cos"),
    ("{name: cosent, batch_size: 3}", "misplaced-key", "batch_size"),
    ("{scale: 3}", "missing-key", "loss"),
    ("{name: MatryoshkaLoss, dims: [2]}", "misplaced-loss", "MatryoshkaLoss"),
    ("{name: 3}", "wrong-type", "3"),
    ("3", "wrong-type", "3"),
    ("[]", "bad-value", "[]"),
    ("[3]", "wrong-type", "3"),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "code", "under"), LOSSES)
def test_one_mistake_in_a_loss_is_one_error(loss: str, code: str, under: str) -> None:
    problem = only_problem(BASE.replace("cosent", loss))
    assert (problem.code, excerpt(problem)) == (code, under)


def test_a_data_set_has_a_loss_of_its_own_checked_alike() -> None:
    text = BASE.replace("{path: a.jsonl}", "{path: a.jsonl, loss: {name: cosent, scael: 3}}")
    assert only_problem(text).hint == "did you mean 'scale'?"
    loaded = load(text.replace("scael", "scale"))
    own = loaded.config.data.train[0].loss
    assert own is not None
    assert own.spec.name == "CoSENTLoss"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("output_dir: r\nmodel: {name_or_paht: m}\ndata: {train: [{path: a}]}\nloss: cosent\n", "unknown-key"),
        ("output_dir: r\nbase_model: m\ndata: {train: [{path: a}]}\nloss: cosent\n", "renamed-key"),
        ("output_dir: r\nmodle: {name_or_path: m}\ndata: {train: [{path: a}]}\nloss: cosent\n", "unknown-key"),
        ("output_dir: r\nname_or_path: m\ndata: {train: [{path: a}]}\nloss: cosent\n", "misplaced-key"),
        ("output_dir: r\nmodel: bert\ndata: {train: [{path: a}]}\nloss: cosent\n", "wrong-type"),
        ("output_dir: r\nmodel: {name_or_path: m}\ndata: {train: [{path: a}]}\nloss: {nam: cosent}\n", "missing-key"),
    ],
)
def test_a_required_key_under_a_wrong_name_is_one_error(text: str, code: str) -> None:
    assert only_problem(text).code == code


def test_a_bare_text_where_a_section_is_wanted_is_answered_with_the_section() -> None:
    found = problems_of("output_dir: r\nmodel: bert\ndata: x.jsonl\nloss: cosent\n")
    assert [problem.hint for problem in found] == [
        "write 'model: {name_or_path: bert}'",
        "write 'data: {train: [{path: x.jsonl}]}'",
    ]


def test_missing_keys_are_all_told_at_once() -> None:
    found = problems_of("seed: 1\n")
    assert [problem.message for problem in found] == [
        f"the key {key!r} is missing" for key in ("output_dir", "model", "data", "loss")
    ]

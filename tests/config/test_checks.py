"""What needs more than one field: exclusive keys, roles, names, and keys of a later version."""

from __future__ import annotations

import pytest
from config_text import BASE, excerpt, load, only_problem, problems_of

from embtune.config.checks import LATER
from embtune.config.keys import sections


@pytest.mark.parametrize(
    ("train", "under"),
    [
        ("num_train_epochs: 1, max_steps: 2", "max_steps"),
        ("warmup_ratio: 0.1, warmup_steps: 2", "warmup_steps"),
        ("num_train_epochs: null", "null"),
    ],
)
def test_exactly_one_of_each_pair(train: str, under: str) -> None:
    problem = only_problem(f"{BASE}train: {{{train}}}\n")
    assert excerpt(problem) == under


def test_naming_one_of_a_pair_switches_the_default_of_the_other_off() -> None:
    train = load(f"{BASE}train: {{max_steps: 3, warmup_steps: 0}}\n").config.train
    assert (train.max_steps, train.num_train_epochs, train.warmup_steps, train.warmup_ratio) == (3, None, 0, None)


def test_both_mistakes_are_told_beside_a_mistake_of_the_schema() -> None:
    found = problems_of(f"{BASE}train: {{max_steps: 3, num_train_epochs: 1, learning_rate: x}}\n")
    assert sorted(problem.code for problem in found) == ["conflicting-keys", "wrong-type"]


def test_a_set_for_evaluation_may_not_have_the_name_of_held_out_rows() -> None:
    sets = "[{path: a.jsonl, hold_out: 5}], eval: [{path: dev/a.jsonl}]"
    assert only_problem(BASE.replace("[{path: a.jsonl}]", sets)).code == "duplicate-name"
    assert load(BASE.replace("[{path: a.jsonl}]", sets.replace("hold_out: 5", "hold_out: null"))).config.data.eval


def columns(text: str) -> str:
    return BASE.replace("{path: a.jsonl}", f"{{path: a.jsonl, {text}}}")


@pytest.mark.parametrize(
    "role", ["anchor", "query", "positive", "negative_12", "negatives", "label", "score", "text_3"]
)
def test_roles_and_their_aliases_are_known(role: str) -> None:
    assert load(columns(f"columns: {{{role}: c}}")).config.data.train[0].columns == {role: "c"}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("columns: {anchr: c}", "did you mean 'anchor'?"),
        ("columns: {Anchor: c}", "did you mean 'anchor'?"),
        ("columns: {question: anchor}", "role first, then column: write 'anchor: question'"),
        ("prompts: {quer: q}", "did you mean 'query'?"),
    ],
)
def test_what_is_no_role_is_told_with_the_nearest(text: str, hint: str) -> None:
    problem = only_problem(columns(text))
    assert (problem.code, problem.hint) == ("unknown-role", hint)


def test_lengths_are_given_by_role() -> None:
    assert (
        only_problem(BASE.replace("name_or_path: m", "name_or_path: m, max_seq_length: {anchr: 3}")).code
        == "unknown-role"
    )


def test_names_tell_data_sets_apart() -> None:
    problem = only_problem(BASE.replace("[{path: a.jsonl}]", "[{path: x/a.jsonl}, {path: y/a.csv.gz}]"))
    assert (problem.code, excerpt(problem)) == ("duplicate-name", "y/a.csv.gz")
    assert load(BASE.replace("[{path: a.jsonl}]", "[{path: x/a.jsonl}, {path: y/a.csv, name: b}]"))


@pytest.mark.parametrize(
    ("text", "under"),
    [
        ("hub: {push: true}", "push"),
        ("logging: {report_to: [tensorboard]}", "report_to"),
        ("logging: {report_to: tensorboard}", "report_to"),
    ],
)
def test_what_comes_later_is_refused_and_never_ignored(text: str, under: str) -> None:
    base = BASE.replace("model: {name_or_path: m}\n", "") if text.startswith("model") else BASE
    problem = only_problem(f"{base}{text}\n")
    assert (problem.code, excerpt(problem)) == ("not-available", under)


@pytest.mark.parametrize("text", ["plugins: []", "hub: {push: false}", "logging: {report_to: []}"])
def test_off_values_of_later_keys_are_fine(text: str) -> None:
    assert load(f"{BASE}{text}\n")


def test_every_later_key_is_a_key_of_the_schema() -> None:
    for row in LATER:
        *section, key = map(str, row.path)
        assert key in sections()[".".join(section)]

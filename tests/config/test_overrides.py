"""`--set a.b=value`: split at the first `=`, read as YAML, `null` unsets."""

from __future__ import annotations

import pytest
from config_text import BASE, load, only_problem


def value_of(key: str, *sets: str, text: str = BASE) -> object:
    return next(value for dotted, value, _ in load(text, *sets).origins() if dotted == key)


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("seed=7", "seed", 7),
        ("train.learning_rate=2e-4", "train.learning_rate", 2e-4),
        ("model.prompts={query: 'a=b: '}", "model.prompts.query", "a=b: "),
        ("model.prompts.query=a=b", "model.prompts.query", "a=b"),
        ("data.train.0.weight=2", "data.train.0.weight", 2.0),
        ("loss.scale=30", "loss.scale", 30.0),
        ("loss=TripletLoss", "loss.name", "TripletLoss"),
        ("loss.name=TripletLoss", "loss.name", "TripletLoss"),
        ("eval.on_start=false", "eval.on_start", False),
        ("model.revision=no", "model.revision", "no"),
        ("modifiers=[{name: matryoshka, dims: [2]}]", "modifiers.0.name", "MatryoshkaLoss"),
        (" seed = 7", "seed", 7),
    ],
)
def test_one_value_is_set(override: str, key: str, value: object) -> None:
    assert value_of(key, override) == value


def test_the_last_of_two_wins() -> None:
    assert value_of("seed", "seed=1", "seed=2") == 2


@pytest.mark.parametrize("value", ["null", "", "~"])
def test_null_is_null_where_the_key_can_be_null_and_else_the_default(value: str) -> None:
    text = BASE + "seed: 7\ntrain: {max_grad_norm: 2.0}\n"
    assert value_of("train.max_grad_norm", f"train.max_grad_norm={value}", text=text) is None
    assert value_of("seed", f"seed={value}", text=text) == 42
    assert value_of("seed", text=text) == 7


def test_null_unsets_a_whole_section() -> None:
    assert value_of("train.batch_size", "train=null", text=BASE + "train: {batch_size: 3}\n") == 64


def test_null_cannot_unset_what_must_be_there() -> None:
    assert only_problem(BASE, "output_dir=null").code == "missing-key"


@pytest.mark.parametrize(
    ("override", "code", "words"),
    [
        ("seed", "bad-set", "no key=value"),
        ("=3", "bad-set", "no key=value"),
        ("train..seed=3", "bad-set", "no key=value"),
        ("seed=[", "yaml-syntax", "--set seed"),
        ("data.train.1.path=x", "unknown-key", "a list of 1 entry"),
        ("data.train.first.path=x", "unknown-key", "'first'"),
        ("output_dir.x=3", "wrong-type", "no keys below"),
        ("train.learning_rat=3", "unknown-key", "train.learning_rat"),
        ("seed=abc", "wrong-type", "seed"),
        ("extends=base.yaml", "misplaced-key", "only a file"),
    ],
)
def test_a_bad_override_is_located_on_the_command_line(override: str, code: str, words: str) -> None:
    problem = only_problem(BASE, override)
    assert problem.render().startswith("<command line>: error[")
    assert problem.code == code
    assert words in problem.message


def test_a_foreign_name_is_answered_with_the_override_to_write() -> None:
    assert only_problem(BASE, "lr=2e-5").hint == "write --set train.learning_rate=2e-5"


def test_a_length_on_the_command_line_switches_the_files_other_length_off() -> None:
    text = BASE + "train: {num_train_epochs: 2, warmup_ratio: 0.2}\n"
    sets = ("train.max_steps=3", "train.warmup_steps=1")
    assert value_of("train.max_steps", *sets, text=text) == 3
    assert value_of("train.num_train_epochs", *sets, text=text) is None
    assert value_of("train.warmup_ratio", *sets, text=text) is None


def test_both_lengths_on_the_command_line_are_a_mistake() -> None:
    problem = only_problem(BASE, "train.max_steps=3", "train.num_train_epochs=2")
    assert problem.code == "conflicting-keys"

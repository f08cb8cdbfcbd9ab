"""Behaviour 4: `${env:NAME}` and `${env:NAME:-default}` are the only interpolation."""

from __future__ import annotations

import pytest
from config_text import BASE, BASE_LINES, excerpt, load, only_problem, problems_of
from hypothesis import given
from hypothesis import strategies as st

from embtune.config.environment import escape, interpolate


@pytest.mark.parametrize(
    ("text", "environ", "value"),
    [
        ("${env:SEED}", {"SEED": "7"}, 7),
        ("${env:SEED:-9}", {}, 9),
        ("${env:SEED:-9}", {"SEED": ""}, 9),
        ("${env:SEED:-9}", {"SEED": "7"}, 7),
    ],
)
def test_a_value_that_is_one_reference_is_read_like_a_word(text: str, environ: dict[str, str], value: int) -> None:
    assert load(f"{BASE}seed: {text}\n", environ=environ).config.seed == value


def test_inside_other_text_or_quotes_it_stays_text() -> None:
    text = BASE.replace("r\n", "runs/${env:RUN}\n", 1)
    assert load(text, environ={"RUN": "7"}).config.output_dir == "runs/7"
    text = BASE.replace("r\n", '"${env:RUN}"\n', 1)
    assert load(text, environ={"RUN": "7"}).config.output_dir == "7"


def test_a_variable_holds_text_and_no_yaml() -> None:
    problem = only_problem(BASE + "seed: ${env:SEED}\n", environ={"SEED": "[1, 2]"})
    assert problem.code == "wrong-type"


def test_a_missing_variable_is_one_located_error_beside_the_others() -> None:
    first, second = problems_of(BASE + "seed: ${env:SEED}\nsead: 3\n")
    assert (first.code, excerpt(first)) == ("missing-variable", "${env:SEED}")
    assert first.location is not None
    assert first.location.line == BASE_LINES + 1
    assert second.code == "unknown-key"


@pytest.mark.parametrize("text", ["${env:}", "${env:A", "${env:1A}", "a ${env:A B}"])
def test_a_malformed_reference_is_an_error(text: str) -> None:
    assert only_problem(f"{BASE}seed: '{text}'\n", environ={"A": "1"}).message == "malformed ${env:...}"


@pytest.mark.parametrize("text", ["${HOME}", "$HOME", "${oc.env:X}", "{{ x }}"])
def test_nothing_else_is_replaced(text: str) -> None:
    assert load(BASE.replace("r\n", f"'{text}'\n", 1)).config.output_dir == text


def test_two_dollars_stand_for_the_text_itself() -> None:
    assert interpolate("$${env:A} ${env:A}", {"A": "1"}) == "${env:A} 1"


@given(st.text(st.sampled_from("${env:}A-"), max_size=20))
def test_escaped_text_comes_back(text: str) -> None:
    assert interpolate(escape(text), {}) == text


def test_a_value_from_the_command_line_is_interpolated_too() -> None:
    assert load(BASE, "seed=${env:SEED}", environ={"SEED": "7"}).config.seed == 7
    problem = only_problem(BASE, "seed=${env:SEED}")
    assert problem.render().startswith("<command line>: error[missing-variable]: --set seed: ")

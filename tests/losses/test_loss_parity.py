"""Values and gradients of every loss over the whole grid, against plain loops and against Sentence Transformers 6.2."""

from __future__ import annotations

import logging

import pytest
from denoising_case import DenoisingCase
from layer_cases import layer_cases
from parity_cases import (
    GRADIENT_TOLERANCE,
    VALUE_TOLERANCE,
    Outcome,
    ParityCase,
    differences,
    embtune_outcome,
    reference_outcome,
    sentence_transformers_outcome,
)
from parity_grid import all_cases

from embtune.catalog import all_specs, effective_spec

CASES = all_cases()


def assert_equal(found: Outcome, wanted: Outcome) -> None:
    value, gradient = differences(found, wanted)
    assert value <= VALUE_TOLERANCE
    assert gradient <= GRADIENT_TOLERANCE


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_loss_equals_the_plain_loops(case: ParityCase) -> None:
    assert_equal(embtune_outcome(case), reference_outcome(case))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.known_to_sentence_transformers], ids=lambda case: case.label
)
def test_loss_equals_sentence_transformers(case: ParityCase, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("sentence_transformers", reason="needs the extra `parity`")
    caplog.set_level(logging.ERROR)
    assert_equal(embtune_outcome(case), sentence_transformers_outcome(case))


@pytest.mark.parametrize("row_block", [1, 7])
@pytest.mark.parametrize("case", CASES[::10], ids=lambda case: case.label)
def test_row_blocks_change_nothing(case: ParityCase, row_block: int) -> None:
    assert_equal(embtune_outcome(case, row_block), embtune_outcome(case, row_block=1024))


def test_every_loss_of_the_catalogue_is_in_the_grid() -> None:
    covered = {case.loss for case in CASES} | {"MatryoshkaLoss"} | {case.modifier for case in layer_cases()}
    covered.add(DenoisingCase.loss)
    implemented = {effective_spec(spec).name for spec in all_specs()}
    assert implemented <= covered

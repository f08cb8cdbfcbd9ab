"""Values and gradients of the modifiers that need layers, against plain loops and Sentence Transformers 6.2."""

from __future__ import annotations

import logging

import pytest
from layer_cases import LayerCase, embtune_layers, layer_cases, reference_layers, sentence_transformers_layers
from parity_cases import GRADIENT_TOLERANCE, VALUE_TOLERANCE, Outcome, differences

CASES = tuple(layer_cases())


def assert_equal(found: Outcome, wanted: Outcome) -> None:
    value, gradient = differences(found, wanted)
    assert value <= VALUE_TOLERANCE
    assert gradient <= GRADIENT_TOLERANCE


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_layered_loss_equals_the_plain_loops(case: LayerCase) -> None:
    assert_equal(embtune_layers(case), reference_layers(case))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.known_to_sentence_transformers], ids=lambda case: case.label
)
def test_layered_loss_equals_sentence_transformers(case: LayerCase, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("sentence_transformers", reason="needs the extra `parity`")
    caplog.set_level(logging.ERROR)
    assert_equal(embtune_layers(case), sentence_transformers_layers(case))

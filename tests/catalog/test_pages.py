"""Every page answers everything, whatever the width."""

from __future__ import annotations

import pytest

from embtune.catalog import LossSpec, all_specs, find_spec
from embtune.catalog.page import page
from embtune.catalog.parameter_docs import as_yaml, parameter_docs

HEADINGS = ("Formula", "Takes", "Parameters", "Coupling", "Reduction", "Degenerate cases", "Papers", "Minimal config")


@pytest.mark.parametrize("spec", all_specs(), ids=lambda spec: spec.name)
def test_a_page_has_every_section_and_keeps_to_80_columns(spec: LossSpec) -> None:
    text = page(spec, 80)
    assert text.startswith(spec.name)
    assert all(f"\n{heading}\n" in text for heading in HEADINGS)
    assert all(len(line) <= 80 or "https://" in line for line in text.splitlines())
    assert all(f"\n  {document.name}: " in text for document in parameter_docs(spec))


@pytest.mark.parametrize("width", [10, 40, 200])
def test_odd_widths_lose_no_word(width: int) -> None:
    spec = find_spec("MultipleNegativesRankingLoss")
    assert page(spec, width).split() == page(spec, 80).split()


def test_types_ranges_and_defaults_are_in_words() -> None:
    facts = {
        f"{spec.alias}.{document.name}": document.facts() for spec in all_specs() for document in parameter_docs(spec)
    }
    assert facts["mnrl.scale"] == "number > 0, default 20.0"
    assert facts["mnrl.temperature"] == "number > 0 or null, default null"
    assert facts["mnrl.partition_mode"] == "joint | per_direction, default joint"
    assert facts["softmax.num_labels"] == "integer >= 2 or null, default null"
    assert facts["softmax.concatenation_sent_rep"] == "true or false, default true"
    assert facts["matryoshka.dims"] == "list of integer >= 1, required"
    assert facts["matryoshka.weights"] == "list of number >= 0 or null, default null"


def test_values_are_written_as_a_config_has_them() -> None:
    value = {"a": [1, 2.5, None], "b": True, "c": {"d": "word"}}
    assert as_yaml(value) == "{a: [1, 2.5, null], b: true, c: {d: word}}"


def test_a_preset_says_what_it_fixes() -> None:
    text = page(find_spec("CachedMultipleNegativesSymmetricRankingLoss"))
    fixed = ("directions: [query_to_doc, doc_to_query]", "partition_mode: per_direction", "gradient_cache: always")
    for line in fixed:
        assert line in text

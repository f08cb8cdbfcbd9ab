"""Every page answers everything, whatever the width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import own_loss
import pytest

from embtune.catalog import LabelKind, LossSpec, all_specs, find_spec, spec_fits
from embtune.catalog.page import minimal_config, page
from embtune.catalog.parameter_docs import as_yaml, parameter_docs
from embtune.catalog.plugins import load_plugin
from embtune.catalog.words import NEED_WORDS, format_line
from embtune.config import load_config

HEADINGS = ("Formula", "Takes", "Parameters", "Coupling", "Reduction", "Degenerate cases", "Papers", "Minimal config")
ALL = pytest.mark.parametrize("spec", all_specs(), ids=lambda spec: spec.name)


def missing(spec: LossSpec) -> list[str]:
    """What a page ought to have and has not."""
    text = page(spec, 80)
    words = " ".join(text.split())
    headings = [*HEADINGS, *(["Needs"] if spec.needs else []), *(["Presets"] if spec.resolves_to else [])]
    facts = [
        spec.name,
        spec.alias,
        spec.purpose,
        spec.reduction,
        *spec.degenerate,
        *(paper.link for paper in spec.papers),
    ]
    facts += [format_line(format) for format in (*spec.formats, *spec.taught_formats)]
    facts += [fact for each in parameter_docs(spec) for fact in (f"{each.name}: {each.facts()}", each.description)]
    facts += [NEED_WORDS[need] for need in spec.needs]
    found = [heading for heading in headings if f"\n{heading}\n" not in text]
    found += [fact for fact in facts if not fact or " ".join(fact.split()) not in words]
    return found + [line for line in spec.formula.splitlines() if line not in text]


@ALL
def test_a_page_has_every_section_and_keeps_to_80_columns(spec: LossSpec) -> None:
    assert not missing(spec)
    assert all(len(line) <= 80 or "https://" in line for line in page(spec, 80).splitlines())


@pytest.mark.parametrize(
    ("emptied", "told"),
    [
        ({"reduction": ""}, "Reduction"),
        ({"degenerate": ()}, "Degenerate cases"),
        ({"papers": ()}, "Papers"),
        ({"formula": ""}, "Formula"),
        ({"purpose": ""}, ""),
    ],
)
def test_a_section_that_an_entry_does_not_fill_is_missed(emptied: dict[str, Any], told: str) -> None:
    assert told in missing(replace(find_spec("TripletLoss"), **emptied))


@ALL
def test_the_minimal_config_loads_and_its_columns_are_what_its_losses_take(spec: LossSpec, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(minimal_config(spec), encoding="utf-8")
    config = load_config(path).config
    named = [each.spec for each in (*config.loss, *config.modifiers)]
    assert spec in named
    (data,) = config.data.train
    assert data.columns is not None
    roles = tuple(role for role in data.columns if role != "label")
    kinds = [kind for kind in LabelKind if (kind is not LabelKind.NONE) is ("label" in data.columns)]
    for loss in config.loss:
        assert any(spec_fits(loss.spec, roles, kind) for kind in kinds)


def test_a_loss_of_ones_own_has_a_page_whose_config_names_its_file(tmp_path: Path) -> None:
    own_loss.write_file(tmp_path)
    (spec,) = load_plugin(own_loss.FILE, tmp_path).specs
    text = page(spec, 80, plugin=own_loss.FILE)
    assert [heading for heading in HEADINGS if f"\n{heading}\n" not in text] == [
        "Reduction",
        "Degenerate cases",
        "Papers",
    ]
    path = tmp_path / "config.yaml"
    path.write_text(minimal_config(spec, own_loss.FILE), encoding="utf-8")
    assert [loss.spec for loss in load_config(path).config.loss] == [spec]


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

"""The table of conversions: every row has its code, chains are the shortest there are, words lead to formats."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from embtune.catalog import LabelKind
from embtune.catalog.conversions import (
    CONVERSIONS,
    LIST,
    RETRIEVAL,
    Conversion,
    Target,
    conversions_from,
    find_way,
    formats_of,
    name_of,
    sources_of,
)
from embtune.catalog.formats import N_TUPLE, PAIR, PAIR_BINARY, PAIR_CLASS, PAIR_SCORE, TEXT, TEXT_CLASS, TRIPLET
from embtune.catalog.spec import Format
from embtune.config.sections.convert import ConvertConfig


@pytest.mark.parametrize("way", CONVERSIONS, ids=lambda way: way.implementation)
def test_every_conversion_has_code_that_reads_its_options_and_no_others(way: Conversion) -> None:
    module, _, function = way.implementation.partition(":")
    code = getattr(import_module(f"embtune.data.conversions.{module}"), function)
    assert inspect.getdoc(code)
    read = [key for key in ConvertConfig.model_fields if f'options["{key}"]' in _source(module)]
    read += ["negatives"] if "step.negatives" in _source(module) else []
    assert set(way.options) <= set(read) <= {"threshold", "positives", "negatives", "ratio"}


def _source(module: str) -> str:
    return inspect.getsource(import_module(f"embtune.data.conversions.{module}"))


@pytest.mark.parametrize(
    ("source", "target", "steps"),
    [
        (TEXT_CLASS, TRIPLET, 1),
        (PAIR_SCORE, PAIR, 2),
        (PAIR_CLASS, TRIPLET, 2),
        (RETRIEVAL, LIST, 2),
        (TEXT, PAIR, 1),
    ],
)
def test_the_shortest_chain_is_found(source: Format, target: Format, steps: int) -> None:
    way = find_way((source,), target)
    assert way is not None
    assert len(way.steps) == steps
    assert way.steps[0].source == source
    assert way.target == target


def test_no_chain_goes_on_from_pairs_of_copies() -> None:
    assert find_way((TEXT,), PAIR_BINARY) is not None
    assert find_way((TEXT,), TRIPLET) is None


@pytest.mark.parametrize("target", Target)
def test_every_word_stands_for_a_format_that_can_be_made_of_others(target: Target) -> None:
    assert sources_of(target.made)
    assert all(find_way((source,), target.made) for source in sources_of(target.made))
    assert name_of(target.made)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (("anchor", "positive", "negative"), (TRIPLET,)),
        (("anchor", "positive", "negative_1", "negative_2"), (N_TUPLE,)),
        (("anchor", "positive", "negatives"), (LIST, N_TUPLE)),
        (("text_1", "text_2"), ()),
    ],
)
def test_one_negative_several_and_a_list_are_told_apart(roles: tuple[str, ...], expected: tuple[Format, ...]) -> None:
    assert formats_of(roles, LabelKind.NONE) == expected


def test_advice_names_the_word_to_type_for_each_thing_that_can_be_made() -> None:
    ways = {way.to: str(way) for way in conversions_from(("sentence_A", "sentence_B"), LabelKind.SCORE)}
    assert set(ways) == {Target.BINARY, Target.PAIRS, Target.TRIPLETS}
    assert ways[Target.PAIRS].startswith("pairs with a score -> pairs with 1 or 0 -> pairs (1 from a threshold on")

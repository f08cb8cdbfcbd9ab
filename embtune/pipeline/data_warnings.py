"""What the rows of a training set tell against its losses, short of refusing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from embtune.catalog import Format, LabelKind
from embtune.catalog.formats import DAMAGED, fits
from embtune.catalog.noisy import NoiseParameters
from embtune.data.examples import Examples
from embtune.pipeline.datasets import TrainSet

_ROWS_LOOKED_AT = 1000  # from the first on, for what a few rows betray


def data_warnings(train_sets: Sequence[TrainSet]) -> Iterator[tuple[str, str]]:
    """What the user may not want, with a stable code for scripts."""
    for each in train_sets:
        yield from _one_label(each)
        yield from _swapped(each)


def useless_noise(train_sets: Sequence[TrainSet]) -> Iterator[str]:
    """A sentence for each loss that was told how to damage texts which are damaged already."""
    for each in train_sets:
        for loss in each.losses:
            named = NoiseParameters.model_fields.keys() & loss.parameters.model_fields_set
            if _is_damaged(each.examples) and named and isinstance(loss.parameters, NoiseParameters):
                keys = " and ".join(sorted(named))
                yield f"{each.config.name}: {keys} of {loss.spec.name} has no effect: the texts are damaged already"


def _one_label(data: TrainSet) -> Iterator[tuple[str, str]]:
    """1 in all rows pulls everything together, 0 pushes everything apart: both end in embeddings that say nothing."""
    examples = data.examples
    comparing = [loss.spec.name for loss in data.losses if _is_for_binary(loss.spec.formats)]
    if examples.label_kind is not LabelKind.BINARY or examples.labels is None or not comparing:
        return
    found = np.unique(examples.labels)
    if len(found) == 1:
        yield (
            "one-label",
            f"all {len(examples):,} rows of {examples.name!r} are labelled {found[0]}, and {comparing[0]} learns from "
            "1 beside 0; add pairs of the other label, or take a loss for pairs without a label",
        )


def _swapped(data: TrainSet) -> Iterator[tuple[str, str]]:
    """Damaged texts have lost words; where they are longer than the originals, the columns are likely swapped."""
    if not _is_damaged(data.examples):
        return
    damaged, original = _mean_length(data.examples, "damaged"), _mean_length(data.examples, "original")
    holding = _share_holding_the_original(data.examples)
    if damaged > original or holding > 0.5:
        columns = data.layout.columns
        yield (
            "swapped-columns",
            f"{data.config.name}: damaged texts have {damaged:.0f} characters on average and originals {original:.0f}, "
            f"and {holding:.0%} of them hold every word of their original; if the columns are swapped, write "
            f"columns: {{damaged: {columns['original']}, original: {columns['damaged']}}}",
        )


def _is_damaged(examples: Examples) -> bool:
    return fits(DAMAGED, examples.roles, examples.label_kind)


def _is_for_binary(formats: Sequence[Format]) -> bool:
    return any(format.label is LabelKind.BINARY for format in formats)


def _mean_length(examples: Examples, role: str) -> float:
    """In characters, over all rows."""
    lengths = np.array([len(text) for text in examples.texts])
    return float(lengths[examples.text_ids[role]].mean())


def _share_holding_the_original(examples: Examples) -> float:
    """The share of the first rows whose damaged text has all words of the original and is another text."""
    rows = range(min(len(examples), _ROWS_LOOKED_AT))
    pairs = [(examples.text(row, "damaged") or "", examples.text(row, "original") or "") for row in rows]
    holding = [damaged != original and set(original.split()) <= set(damaged.split()) for damaged, original in pairs]
    return sum(holding) / max(1, len(holding))

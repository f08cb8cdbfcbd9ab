"""What the rows of a training set tell against its losses, short of refusing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embtune.catalog.formats import DAMAGED, fits
from embtune.catalog.noisy import NoiseParameters
from embtune.data.found import rows_word
from embtune.data.summary import Summary
from embtune.pipeline.datasets import TrainSet
from embtune.pipeline.learnable import Learnt, compares_labels, swapped_line, words_kept

Warnings = Iterator[tuple[str, str]]  # a stable code for scripts, and a sentence
_TOO_MANY = 0.5  # of the first rows


def data_warnings(train_sets: Sequence[Learnt]) -> Warnings:
    """What the user may not want, with a stable code for scripts."""
    for each in train_sets:
        yield from _one_label(each)
        yield from _swapped(each)
        yield from _some_twins(each)


def useless_noise(train_sets: Sequence[TrainSet]) -> Iterator[str]:
    """A sentence for each loss that was told how to damage texts which are damaged already."""
    for each in train_sets:
        for loss in each.losses:
            named = NoiseParameters.model_fields.keys() & loss.parameters.model_fields_set
            if _is_damaged(each.learnt) and named and isinstance(loss.parameters, NoiseParameters):
                keys = " and ".join(sorted(named))
                yield f"{each.config.name}: {keys} of {loss.spec.name} has no effect: the texts are damaged already"


def _one_label(data: Learnt) -> Warnings:
    """1 in all rows pulls everything together, 0 pushes everything apart; only another set can make up for it."""
    comparing = [spec.name for spec in data.specs if compares_labels(data, spec)]
    if comparing and len(data.summary.classes) == 1:
        label = next(iter(data.summary.classes))
        yield (
            "one-label",
            f"all {data.summary.rows:,} rows of {data.name!r} are labelled {label}, and {comparing[0]} learns from "
            "1 beside 0; add pairs of the other label, or take a loss for pairs without a label",
        )


def _swapped(data: Learnt) -> Warnings:
    """Damaged texts have lost words; where they are longer than the originals, the columns are likely swapped."""
    if not _is_damaged(data):
        return
    damaged, original = (_mean_length(data.summary, role) for role in ("damaged", "original"))
    holding = words_kept(data.summary)
    if damaged > original or holding > _TOO_MANY:
        yield (
            "swapped-columns",
            f"{data.name}: damaged texts have {damaged:.0f} characters on average and originals {original:.0f}, "
            f"and {holding:.0%} of them hold every word of their original; if the columns are swapped, write "
            f"{swapped_line(data.layout)}",
        )


def _some_twins(data: Learnt) -> Warnings:
    """A negative that is its row's positive asks for two things at once."""
    found = data.summary.twins.get(("positive", "negative"))
    if found is not None and found.count:
        yield (
            "negative-is-positive",
            f"{data.name}: a negative is the text of its row's positive in {rows_word(found.count)} ({found}); leave "
            "such rows out",
        )


def _is_damaged(data: Learnt) -> bool:
    return fits(DAMAGED, data.layout.roles, data.layout.label)


def _mean_length(summary: Summary, role: str) -> float:
    return summary.lengths.get(role, 0.0)

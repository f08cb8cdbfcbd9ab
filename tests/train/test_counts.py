"""What a step found to learn from: added up over its parts, and missed only where none of it means no learning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from engine import Engine, engine, examples, scratch_model
from torch import Tensor

from embtune.catalog.spec import Coupling, LabelKind
from embtune.data.examples import Examples
from embtune.losses.objective import Batch, Objective, Request, View


class PullPositives(Objective):
    """The squared distance of pairs labelled 1; it counts them, and those that are far apart."""

    @property
    def coupling(self) -> Coupling:
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        return Request(tuple(View(role) for role in roles))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        gaps = (batch.embedding("sentence_A") - batch.embedding("sentence_B")).square().sum(dim=1)
        labels = batch.known_labels()
        batch.count("positive_pairs", labels.sum())
        batch.count("far_pairs", (gaps * labels > 1e6).sum(), needed=False)
        return {"pull": batch.mean(gaps * labels)}


def pairs(labels: np.ndarray) -> Engine:
    data = examples(("sentence_A", "sentence_B"), LabelKind.BINARY, size=len(labels))
    made = engine("ContrastiveLoss", replace(data, labels=labels), model=scratch_model("static?width=16"))
    return replace(made, objective=PullPositives())


@pytest.mark.parametrize("group", [1, 40, 10**9])
def test_counts_of_all_groups_are_added(group: int) -> None:
    outcome = pairs(np.array([1, 0, 1, 1, 0, 0, 1, 0])).step(group=group)
    assert outcome.counts == {"positive_pairs": 4, "far_pairs": 0}
    assert outcome.missing == ()


def test_a_needed_count_of_zero_is_missing_and_another_is_not() -> None:
    assert pairs(np.zeros(8, dtype=np.int64)).step(group=40).missing == ("positive_pairs",)


def texts(classes: int, size: int = 12) -> Examples:
    data = examples(("text",), LabelKind.CLASS, size=size)
    return replace(data, labels=np.arange(size) % classes)


@pytest.mark.parametrize("loss", ["batch-all", "batch-hard", "batch-hard-soft-margin", "batch-semi-hard"])
def test_a_batch_of_one_class_has_no_valid_triplets(loss: str) -> None:
    model = scratch_model("static?width=16")
    assert engine(loss, texts(classes=1), model=model).step().missing == ("valid_triplets",)
    assert engine(loss, texts(classes=3), model=model).step().missing == ()


def test_triplets_that_all_keep_the_margin_are_no_mistake() -> None:
    made = engine("batch-all", texts(classes=2), model=scratch_model("static?width=16"), margin=1e-3)
    ((view, column),) = made.rows.columns.items()
    twice = replace(column, text_of_row=np.repeat(column.text_of_row[::2], 2))
    rows = replace(made.rows, columns={view: twice}, labels=torch.arange(made.rows.size) // 2)  # a class has one text
    outcome = replace(made, rows=rows).step()
    assert outcome.counts["valid_triplets"] > 0
    assert outcome.counts["active_triplets"] == 0
    assert outcome.missing == ()

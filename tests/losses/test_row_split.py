"""Losses whose rows do not interact: a step seen in several batches is the step seen at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from objectives import batch_of, built, parsed, scored
from parity_cases import ROWS, WIDTH, ParityCase
from parity_grid import distillation_cases, matryoshka_cases, pair_cases, triplet_cases
from torch import Tensor

from embtune.catalog import all_specs
from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, BuildContext, Objective
from embtune.modifiers.build import build_objective

CASES = [
    case
    for case in (*pair_cases(), *triplet_cases(), *distillation_cases(), *matryoshka_cases())
    if case.objective().coupling is Coupling.ROWS
]
SPLIT_ELSEWHERE = {"ContrastiveTensionLoss", "DenoisingAutoEncoderLoss"}  # they need a twin, and a decoder
GROUPS = ([0, 3], [1], [5, 2, 4])


def part(batch: Batch, rows: list[int]) -> Batch:
    labels = None if batch.labels is None else batch.labels[rows]
    some = batch.map(lambda table: table[:, rows])
    return replace(some, labels=labels, size=len(rows), whole=replace(batch, embeddings={}))


def assert_parts_add_up(objective: Objective, batch: Batch) -> None:
    whole, parts = scored(objective, batch), [scored(objective, part(batch, rows)) for rows in GROUPS]
    assert all(list(found.terms) == list(whole.terms) for found in parts)
    for name, value in whole.terms.items():
        torch.testing.assert_close(torch.stack([found.terms[name] for found in parts]).sum(), value)
    for role, gradient in whole.gradients.items():
        again = torch.zeros_like(gradient)
        for rows, found in zip(GROUPS, parts, strict=True):
            again[rows] = found.gradients[role]
        torch.testing.assert_close(again, gradient)


def columns_of(case: ParityCase) -> dict[str, Tensor]:
    return dict(zip(case.roles, case.table(), strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_parts_of_a_step_add_up_to_the_step(case: ParityCase) -> None:
    assert_parts_add_up(case.objective(), batch_of(columns_of(case), case.labels()))


def test_drawn_dims_are_the_same_in_every_part_of_a_step() -> None:
    modifier = parsed("MatryoshkaLoss", dims=[8, 4, 2, 1], n_dims_per_step=2)
    loss = (*parsed("CosineSimilarityLoss"), 1.0)
    objective = build_objective([loss], [modifier], BuildContext(embedding_dim=WIDTH, depth=0))
    case = next(case for case in CASES if case.loss == "CosineSimilarityLoss")

    class Seeded(Objective):
        """Gives each call a generator in the same state, as the engine does."""

        @property
        def coupling(self) -> Coupling:
            return objective.coupling

        request = objective.request

        def terms(self, batch: Batch) -> dict[str, Tensor]:
            return objective.terms(replace(batch, generator=torch.Generator().manual_seed(3)))

    assert_parts_add_up(Seeded(), batch_of(columns_of(case), case.labels()))


def test_the_grid_holds_every_loss_of_independent_rows() -> None:
    independent = {spec.name for spec in all_specs() if spec.coupling is Coupling.ROWS}
    assert independent - {case.loss for case in CASES} == SPLIT_ELSEWHERE
    assert built("CoSENTLoss").coupling is Coupling.BATCH
    assert max(max(rows) for rows in GROUPS) == ROWS - 1

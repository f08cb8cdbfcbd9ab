"""A teacher's ranking as target. Legend: B rows, P passages (the positive and the negatives)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.entries.distill_kl import DistillKLParameters
from embtune.catalog.formats import N_TUPLE
from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, BuildContext, Objective, Request, guide_tower
from embtune.losses.passages import passage_roles, passage_scores, present_passages
from embtune.losses.views import frozen_columns, request_columns


class DistillKL(Objective):
    """Rank the passages of a row as a teacher does: match its softmax over their scores.

        loss = mean_i T_s^2 * KL( softmax_j(y_ij / T_t) || softmax_j(sim(q_i, d_ij) / T_s) )

    Shapes: anchor, positive and negatives (B, D); labels (B, P) scores y, the positive's first, -inf for a passage
    that the teacher rules out. With `teacher` there are no labels, and the scores are that model's similarities.
    A passage that a row lacks is in neither softmax.
    Parameters: `DistillKLParameters`; dot, temperature 1 for unnormalised embeddings, far less for normalised ones.
    Paper: Lin, Yang and Lin 2020, arXiv:2010.11386.
    Differs from Sentence Transformers: rows may differ in their number of negatives.
    """

    def __init__(self, settings: DistillKLParameters) -> None:
        super().__init__()
        self.settings = settings
        self._tower = guide_tower(settings.teacher) if settings.teacher else None
        self._student_temperature = settings.student_temperature or settings.temperature
        self._teacher_temperature = settings.teacher_temperature or settings.temperature

    @classmethod
    def build(cls, parameters: DistillKLParameters, context: BuildContext) -> DistillKL:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """A mean over rows."""
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """Anchor, positive and the negatives, by the teacher too where that is a model."""
        request = request_columns((N_TUPLE,), roles)
        return frozen_columns(request, self._tower, roles) if self._tower else request

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`distill_kl`: the mean over rows."""
        passages = passage_roles(batch)
        found_BP = passage_scores(self.settings.similarity_fct, batch.embedding, passages)
        absent_BP = ~present_passages(batch, passages, found_BP)
        wanted_BP = self._wanted(batch, passages).to(found_BP.dtype)
        student_BP = (found_BP / self._student_temperature).masked_fill(absent_BP, -torch.inf).log_softmax(dim=1)
        teacher_BP = (wanted_BP / self._teacher_temperature).masked_fill(absent_BP, -torch.inf).softmax(dim=1)
        student_BP = student_BP.masked_fill(absent_BP, 0)  # 0 * -inf would be NaN
        divergence_B = F.kl_div(student_BP, teacher_BP, reduction="none").sum(dim=1)
        return {"distill_kl": batch.mean(self._student_temperature**2 * divergence_B)}

    def _wanted(self, batch: Batch, passages: Sequence[str]) -> Tensor:
        """(B, P) the teacher's scores."""
        if not self._tower:
            return batch.known_labels()
        embedding = partial(batch.frozen_embedding, tower=self._tower)
        return passage_scores(self.settings.similarity_fct, embedding, passages)

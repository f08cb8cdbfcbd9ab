"""Ranking against a batch that a guide has looked through.

Legend: B rows, R rows of a block, C columns compared with, in column blocks of B texts, D width, G the guide's width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.choices import MarginStrategy
from embtune.catalog.entries.gist_embed import GISTEmbedParameters
from embtune.catalog.formats import N_TUPLE, PAIR
from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, BuildContext, Objective, Request, guide_tower
from embtune.losses.row_blocks import sum_over_row_blocks
from embtune.losses.similarity import COSINE_FLOOR, unit_vectors
from embtune.losses.views import absent_texts, frozen_columns, negative_roles, request_columns

_LEFT_OUT = -1e30  # a logit that adds nothing; finite, so that a row with nothing else has no NaN
_SAME = 1e-6  # similarities nearer than float32 can tell apart are equal, and an equal one is not above the threshold


class GISTEmbed(Objective):
    """Rank each anchor's positive above the texts of the batch, but for those that a guide finds as near or nearer.

        loss = mean_i log( 1 + sum_j exp( (cos(x_i, d_j) - cos(a_i, p_i)) / temperature ) )

    (x_i, d_j) are: a_i with the positives of other rows, with the anchors of other rows (`contrast_anchors`) and with
    all negatives; p_i with the positives of other rows (`contrast_positives`). A pair is left out where the guide's
    cosine of it is greater than t_i = g_i - margin (absolute) or g_i - margin * |g_i| (relative), where g_i is the
    guide's cosine of a_i and p_i.

    Shapes: anchor, positive and any number of negatives (B, D), and the same by the guide (B, G); a negative that a row
    lacks is nobody's candidate. The guide's are never cut, whatever a modifier does to the model's.
    Parameters: `GISTEmbedParameters`; temperature 0.01.
    Paper: Solatorio 2024, arXiv:2402.16829; margins: Moreira et al. 2024, arXiv:2407.15831.
    Differs from Sentence Transformers: memory is linear in B; any number of negatives; no text is ever compared with
    itself, which happens there where a guide gives the pair of a row cosine 1.
    """

    def __init__(self, settings: GISTEmbedParameters) -> None:
        super().__init__()
        self.settings = settings
        self._tower = guide_tower(settings.guide)

    @classmethod
    def build(cls, parameters: GISTEmbedParameters, context: BuildContext) -> GISTEmbed:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """Every row is scored against all others."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """Anchor, positive and the negatives, all of them by the guide too."""
        request = request_columns((PAIR, N_TUPLE), roles)
        return frozen_columns(request, self._tower, [view.role for view in request.views])

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`gist_embed`: the mean over rows."""
        compared = ("positive", *(["anchor"] if self.settings.contrast_anchors else []), *negative_roles(batch))
        anchors_BD, columns_CD = _units(batch.embedding, ("anchor",)), _units(batch.embedding, compared)
        guide = partial(batch.frozen_embedding, tower=self._tower)
        anchors_BG, columns_CG = _units(guide, ("anchor",)), _units(guide, compared)
        rows, scale = len(anchors_BD), 1 / self.settings.temperature
        limits_B = self._limits((anchors_BG * columns_CG[:rows]).sum(dim=1))
        others_of_own_role = len(compared) - len(negative_roles(batch))
        of_anchors = _Guide(anchors_BG, columns_CG, limits_B, others_of_own_role, absent_texts(batch, compared))
        of_positives = _Guide(columns_CG[:rows], columns_CG[:rows], limits_B, 1, None)

        def block_loss(block: slice, tables: tuple[Tensor, ...]) -> Tensor:
            anchors_BD, columns_CD = tables
            positives_BD = columns_CD[:rows]
            others_R = of_anchors.log_sum(block, anchors_BD, columns_CD, scale)
            if self.settings.contrast_positives:
                others_R = torch.logaddexp(others_R, of_positives.log_sum(block, positives_BD, positives_BD, scale))
            positive_R = scale * (anchors_BD[block] * positives_BD[block]).sum(dim=1)
            return F.softplus(others_R - positive_R).sum()

        total = sum_over_row_blocks(block_loss, (anchors_BD, columns_CD), rows, batch.row_block)
        return {"gist_embed": total / rows}

    def _limits(self, pairs_B: Tensor) -> Tensor:
        """(B,) the guide's similarity above which a text is no negative of a row."""
        relative = self.settings.margin_strategy is MarginStrategy.RELATIVE
        return pairs_B - self.settings.margin * (pairs_B.abs() if relative else 1) + _SAME


@dataclass(frozen=True)
class _Guide:
    """What a guide says of the comparison of B texts with C others.

    texts_BG, columns_CG: unit vectors. limits_B: see `GISTEmbed._limits`.
    own_blocks: in so many leading column blocks the text of a row's own is none to compare it with.
    absent_C: columns that are not there; None where all are.
    """

    texts_BG: Tensor
    columns_CG: Tensor
    limits_B: Tensor
    own_blocks: int
    absent_C: Tensor | None

    def log_sum(self, block: slice, texts_BD: Tensor, columns_CD: Tensor, scale: float) -> Tensor:
        """(R,) log of the sum of exp(scale * cos) over the columns that are negatives of each row."""
        left_out_RC = self._left_out(block).to(texts_BD.dtype)
        logits_RC = torch.addmm(left_out_RC, texts_BD[block], columns_CD.T, alpha=scale)
        return torch.logsumexp(logits_RC, dim=1)

    def _left_out(self, block: slice) -> Tensor:
        """(R, C) what to add to the logits: 0, or `_LEFT_OUT`. Every step writes over the one before."""
        mask_RC = self.texts_BG[block] @ self.columns_CG.T
        mask_RC.gt_(self.limits_B[block, None])
        rows = len(self.texts_BG)
        for first in range(0, self.own_blocks * rows, rows):
            mask_RC[:, first + block.start : first + block.stop].fill_diagonal_(1)
        if self.absent_C is not None:
            mask_RC.masked_fill_(self.absent_C, 1)
        return mask_RC.mul_(_LEFT_OUT)


def _units(embedding: Callable[[str], Tensor], roles: Sequence[str]) -> Tensor:
    """(roles * B, D) unit vectors of several roles, role after role."""
    return unit_vectors(torch.cat([embedding(role) for role in roles]), COSINE_FLOOR)

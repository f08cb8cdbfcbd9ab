"""The hardest negative of a large batch. Legend: B rows, R rows of a block, D width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from embtune.catalog.choices import Similarity
from embtune.catalog.entries.mega_batch_margin import MegaBatchMarginParameters
from embtune.catalog.formats import PAIR
from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.row_blocks import sum_over_row_blocks
from embtune.losses.similarity import prepared, similarity_matrix
from embtune.losses.views import request_columns


class MegaBatchMargin(Objective):
    """Bring each pair nearer than one margin and the nearest positive of another row farther than a second.

        loss = mean_i [ max(0, positive_margin - cos(a_i, p_i))
                      + max(0, max over j != i of cos(a_i, p_j) - negative_margin) ]

    Shapes: anchor and positive (B, D).
    Parameters: `MegaBatchMarginParameters`; margins 0.8 and 0.3, batches of 500 and more.
    Paper: Wieting and Gimpel 2018, https://aclanthology.org/P18-1042.
    Differs from Sentence Transformers: memory is linear in B; there is no mini-batched version, micro-batches are the
    engine's business.
    """

    def __init__(self, settings: MegaBatchMarginParameters) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def build(cls, parameters: MegaBatchMarginParameters, context: BuildContext) -> MegaBatchMargin:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """Every anchor is held against the positives of all rows."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """Anchor and positive."""
        return request_columns((PAIR,), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`mega_batch_margin`: the mean over rows."""
        anchor_BD, positive_BD = (prepared(Similarity.COSINE, batch.embedding(role)) for role in ("anchor", "positive"))
        rows = len(anchor_BD)
        total = sum_over_row_blocks(self._block_loss, (anchor_BD, positive_BD), rows, batch.row_block, batch.sharing)
        return {"mega_batch_margin": total / rows}

    def _block_loss(self, block: slice, tables: tuple[Tensor, ...]) -> Tensor:
        anchor_BD, positive_BD = tables
        cosines_RB = similarity_matrix(Similarity.COSINE, anchor_BD[block], positive_BD)
        near_R = cosines_RB[:, block].diagonal()
        own_RB = torch.zeros_like(cosines_RB, dtype=torch.bool)
        own_RB[:, block].fill_diagonal_(True)
        hardest_R = cosines_RB.masked_fill(own_RB, -torch.inf).max(dim=1).values  # -inf without another row: costs 0
        pulled_R = (self.settings.positive_margin - near_R).relu()
        return (pulled_R + (hardest_R - self.settings.negative_margin).relu()).sum()

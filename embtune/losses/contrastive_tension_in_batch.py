"""Two copies of the model, every text a negative of every other. Legend: B rows, D width."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from embtune.catalog.choices import Similarity
from embtune.catalog.entries.contrastive_tension import ContrastiveTensionInBatchParameters
from embtune.catalog.formats import SAME_PAIR, TEXT
from embtune.catalog.spec import Coupling
from embtune.losses.objective import MAIN_TOWER, TWIN_TOWER, Batch, BuildContext, Objective, Request, View
from embtune.losses.row_softmax import Comparison, cross_entropy_sum
from embtune.losses.similarity import prepared, widest_spread
from embtune.losses.softness import softness
from embtune.losses.views import by_tower, request_columns

_BOTH_WAYS = ([Comparison(0, 1)], [Comparison(1, 0)])
_DISTANCES = (Similarity.EUCLIDEAN, Similarity.MANHATTAN)


class ContrastiveTensionInBatch(Objective):
    """Each text, embedded by one copy of the model, is recognised among all texts embedded by the other.

        S_ij = exp(s) * sim( twin(a_i), model(a_j) ),  loss = ( cross_entropy(S, i) + cross_entropy(S^T, i) ) / 2

    s is trained, from log(scale); both copies are trained and only the model is kept.

    Shapes: one role, embedded by two towers (B, D).
    Parameters: `ContrastiveTensionInBatchParameters`; scale 20 with cosine.
    Paper: Carlsson et al. 2021 (ICLR), https://openreview.net/forum?id=Ov_sMNau-PF; in-batch form and trained scale as
    in CLIP, Radford et al. 2021, arXiv:2103.00020.
    Differs from Sentence Transformers: memory is linear in B, and s and the twin are clipped and checkpointed.
    """

    def __init__(self, similarity: Similarity, scale: float) -> None:
        super().__init__()
        self.similarity = similarity
        self.logit_scale = nn.Parameter(torch.tensor(math.log(scale)))

    @classmethod
    def build(cls, parameters: ContrastiveTensionInBatchParameters, context: BuildContext) -> ContrastiveTensionInBatch:
        """The loss with its scale at the start."""
        return cls(parameters.similarity_fct, parameters.scale)

    @property
    def coupling(self) -> Coupling:
        """Every row is scored against all others."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """The same texts by both towers."""
        (view,) = request_columns((TEXT, SAME_PAIR), roles).views
        return Request((View(view.role, TWIN_TOWER), View(view.role, MAIN_TOWER)))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`contrastive_tension`: the mean over rows and both directions."""
        twin_BD, model_BD = (prepared(self.similarity, by_tower(batch, name)) for name in (TWIN_TOWER, MAIN_TOWER))
        scale = self.logit_scale.exp()
        # a product grows with either side, a distance with both
        tables = (twin_BD * scale, model_BD * scale if self.similarity in _DISTANCES else model_BD)
        total = cross_entropy_sum(_BOTH_WAYS, tables, self.similarity, 1.0, batch.row_block, batch.sharing)
        mean = total / (2 * len(twin_BD))
        batch.decided("contrastive_tension", softness(mean, len(twin_BD), widest_spread(self.similarity) * scale))
        return {"contrastive_tension": mean}

"""Cosines that are scores. Legend: B rows, D width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.choices import CosineTransform, Regression
from embtune.catalog.entries.cosine_similarity import CosineSimilarityParameters
from embtune.catalog.formats import PAIR_SCORE
from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.similarity import COSINE_FLOOR, row_cosines
from embtune.losses.views import request_columns


class CosineSimilarity(Objective):
    """Move the two texts of a pair until their cosine is their score.

        loss = mean_i loss_fct( transform( cos(a_i, b_i) ), y_i )

    Shapes: sentence_A and sentence_B (B, D), labels (B,).
    Parameters: `CosineSimilarityParameters`; squared difference of the plain cosine.
    Paper: Reimers and Gurevych 2019, arXiv:1908.10084.
    Differs from Sentence Transformers: `loss_fct` and the transformation are chosen by name.
    """

    def __init__(self, settings: CosineSimilarityParameters) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def build(cls, parameters: CosineSimilarityParameters, context: BuildContext) -> CosineSimilarity:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """A mean over rows."""
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """The two sentences of a pair."""
        return request_columns((PAIR_SCORE,), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`cosine_similarity`: the mean over rows."""
        cosines_B = row_cosines(batch.embedding("sentence_A"), batch.embedding("sentence_B"), COSINE_FLOOR)
        predicted_B = _transformed(self.settings.cos_score_transformation, cosines_B)
        wanted_B = batch.known_labels().flatten().to(predicted_B.dtype)
        return {"cosine_similarity": batch.mean(_differences(self.settings.loss_fct, predicted_B, wanted_B))}


def _transformed(transform: CosineTransform, cosines_B: Tensor) -> Tensor:
    match transform:
        case CosineTransform.IDENTITY:
            return cosines_B
        case CosineTransform.RELU:
            return cosines_B.relu()
        case CosineTransform.SIGMOID:
            return torch.sigmoid(cosines_B)
        case CosineTransform.UNIT_INTERVAL:
            return (1 + cosines_B) / 2


def _differences(regression: Regression, predicted_B: Tensor, wanted_B: Tensor) -> Tensor:
    match regression:
        case Regression.MSE:
            return (predicted_B - wanted_B).square()
        case Regression.L1:
            return (predicted_B - wanted_B).abs()
        case Regression.SMOOTH_L1:
            return F.smooth_l1_loss(predicted_B, wanted_B, reduction="none")

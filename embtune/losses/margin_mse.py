"""A teacher's margins as targets. Legend: B rows, P passages (the positive and n negatives)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from embtune.catalog.entries.margin_mse import MarginMSEParameters
from embtune.catalog.formats import N_TUPLE
from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, BuildContext, Objective, Request, guide_tower
from embtune.losses.passages import passage_roles, passage_scores, present_passages
from embtune.losses.views import frozen_columns, request_columns


class MarginMSE(Objective):
    """Make the positive better than each negative by the margin that a teacher gives.

        loss = mean_i mean_j ( sim(q_i, p_i) - sim(q_i, n_ij) - m_ij )^2

    Shapes: anchor, positive and n negatives (B, D). Labels: margins m (B, n), or (B,) where n is 1; or scores
    (B, n + 1), the positive's first, of which the margins are the differences: the number of columns says which.
    With `teacher` there are no labels, and the scores are that model's similarities.
    A negative that a row lacks does not count, nor does a margin that is not finite, as of a passage scored -inf.
    Parameters: `MarginMSEParameters`; dot.
    Paper: Hofstätter et al. 2020, arXiv:2010.02666.
    Differs from Sentence Transformers: rows may differ in their number of negatives.
    """

    def __init__(self, settings: MarginMSEParameters) -> None:
        super().__init__()
        self.settings = settings
        self._tower = guide_tower(settings.teacher) if settings.teacher else None

    @classmethod
    def build(cls, parameters: MarginMSEParameters, context: BuildContext) -> MarginMSE:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """A mean over rows, each weighted by its negatives."""
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """Anchor, positive and the negatives, by the teacher too where that is a model."""
        request = request_columns((N_TUPLE,), roles)
        return frozen_columns(request, self._tower, roles) if self._tower else request

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`margin_mse`: the mean over all negatives."""
        passages = passage_roles(batch)
        found_Bn = _margins(passage_scores(self.settings.similarity_fct, batch.embedding, passages))
        counted = partial(self._counted, negatives=passages[1:], like=found_Bn)
        counted_Bn = counted(batch)
        wanted_Bn = self._wanted(batch, passages).to(found_Bn.dtype).where(counted_Bn, 0)  # no inf - inf
        squares_Bn = (found_Bn.where(counted_Bn, 0) - wanted_Bn).square()
        means_B = squares_Bn.sum(dim=1) / counted_Bn.sum(dim=1).clamp_min(1)
        return {"margin_mse": batch.mean(means_B, lambda rows: counted(rows).sum(dim=1).to(means_B.dtype))}

    def _wanted(self, batch: Batch, passages: Sequence[str]) -> Tensor:
        """(B, n) the teacher's margins."""
        if not self._tower:
            return _label_margins(batch.known_labels(), len(passages) - 1)
        embedding = partial(batch.frozen_embedding, tower=self._tower)
        return _margins(passage_scores(self.settings.similarity_fct, embedding, passages))

    def _counted(self, rows: Batch, negatives: Sequence[str], like: Tensor) -> Tensor:
        """(B, n) bool: the negatives that are there and have a margin."""
        there_Bn = present_passages(rows, negatives, like)
        if self._tower:
            return there_Bn
        return there_Bn & _label_margins(rows.known_labels(), len(negatives)).isfinite()


def _margins(scores_BP: Tensor) -> Tensor:
    return scores_BP[:, :1] - scores_BP[:, 1:]


def _label_margins(labels: Tensor, negatives: int) -> Tensor:
    table = labels.reshape(len(labels), -1)
    assert table.shape[1] in (negatives, negatives + 1), "a label is a margin a negative or a score a passage"
    return table if table.shape[1] == negatives else _margins(table)

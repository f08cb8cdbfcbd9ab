"""Ranking against the batch. Legend: B rows, D width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from embtune.catalog.choices import Direction, PartitionMode, Similarity
from embtune.catalog.entries.multiple_negatives_ranking import RankingParameters
from embtune.catalog.formats import N_TUPLE, PAIR
from embtune.catalog.spec import Coupling
from embtune.losses.comparisons import comparisons
from embtune.losses.nested_softmax import NestedWidths, nested_cross_entropy_sums, products_take_the_time
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.row_softmax import Softmax, cross_entropy_sum
from embtune.losses.similarity import prepared, widest_spread
from embtune.losses.softness import softness
from embtune.losses.views import negative_roles, request_columns

_TERM = "multiple_negatives_ranking"


class MultipleNegativesRanking(Objective, NestedWidths):
    """Rank each query's own document above every other document of the batch (InfoNCE).

        loss = mean_i [ logZ_i - scale * sim(q_i, p_i) ]
        joint:          Z_i = sum of exp(scale * sim) over the comparisons of all `directions`
        per_direction:  logZ_i = mean over directions of log(the direction's own sum)

    Comparisons of row i: `query_to_doc`: q_i with all documents, positives and negatives; `query_to_query`: q_i with
    the other queries; `doc_to_query`: p_i with all queries; `doc_to_doc`: p_i with the documents of other rows.
    `hardness_mode` adds hardness_strength * stopgrad(sim), unscaled, to `query_to_doc` logits of the chosen negatives.

    Shapes: anchor, positive and any number of negatives (B, D); a negative that a row lacks is nobody's candidate.
    Parameters: `RankingParameters`; scale 20 with cosine, 1 with dot.
    Paper: Henderson et al. 2017, arXiv:1705.00652; four directions: Li et al. 2023, arXiv:2308.03281;
    hardness: Lan et al. 2025, arXiv:2503.04812.
    Differs from Sentence Transformers: memory is linear in B, and rows may differ in their number of negatives.
    """

    def __init__(self, settings: RankingParameters) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def build(cls, parameters: RankingParameters, context: BuildContext) -> MultipleNegativesRanking:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """Every row is scored against all others."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """Anchor, positive and however many negatives there are."""
        return request_columns((PAIR, N_TUPLE), roles)

    def nests(self, batch: Batch) -> bool:
        """Cut vectors are of length 1, so that a product is a cosine; distances are not made of products."""
        by_products = self.settings.similarity_fct in (Similarity.COSINE, Similarity.DOT)
        return by_products and products_take_the_time(batch.embedding("anchor"))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`multiple_negatives_ranking`: the mean over rows."""
        similarity, roles = self.settings.similarity_fct, _roles(batch)
        softmaxes = self._softmaxes([batch.mask(role) for role in roles])
        tables = [prepared(similarity, batch.embedding(role)) for role in roles]
        total = cross_entropy_sum(softmaxes, tables, similarity, self.settings.scale, batch.row_block, batch.sharing)
        mean = total / (len(softmaxes) * len(tables[0]))
        self._report(batch, mean, softmaxes)
        return {_TERM: mean}

    def nested_terms(self, batch: Batch, weights: Mapping[int, float]) -> dict[int, dict[str, Tensor]]:
        """The same for each width."""
        roles = _roles(batch)
        softmaxes = self._softmaxes([batch.mask(role) for role in roles])
        tables = [batch.embedding(role) for role in roles]
        totals = nested_cross_entropy_sums(
            softmaxes, tables, weights, self.settings.scale, batch.row_block, batch.sharing
        )
        means = totals / (len(softmaxes) * len(tables[0]))
        self._report(batch, means[0] / next(iter(weights.values())), softmaxes)
        return {width: {_TERM: mean} for width, mean in zip(weights, means.unbind(), strict=True)}

    def _report(self, batch: Batch, mean: Tensor, softmaxes: Sequence[Softmax]) -> None:
        candidates = len(batch.embedding("anchor")) * len(softmaxes[0])
        spread = widest_spread(self.settings.similarity_fct) * self.settings.scale
        batch.decided(_TERM, softness(mean, candidates, spread))

    def _softmaxes(self, presence: list[Tensor | None]) -> list[Softmax]:
        """One over all directions, `query_to_doc` first, or one for each."""
        factor = 1 + self.settings.hardness_strength / self.settings.scale
        directions = sorted(self.settings.directions, key=lambda way: way is not Direction.QUERY_TO_DOC)
        parts = [comparisons(way, presence, self.settings.hardness_mode, factor) for way in directions]
        joint = self.settings.partition_mode is PartitionMode.JOINT
        return [[comparison for part in parts for comparison in part]] if joint else list(parts)


def _roles(batch: Batch) -> tuple[str, ...]:
    return ("anchor", "positive", *negative_roles(batch))

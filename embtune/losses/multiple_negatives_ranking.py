"""Ranking against the batch. Legend: B rows, R rows of a block, C documents, K columns compared with, D width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from embtune.catalog.choices import Direction, PartitionMode
from embtune.catalog.entries.multiple_negatives_ranking import RankingParameters
from embtune.catalog.formats import N_TUPLE, PAIR
from embtune.catalog.spec import Coupling
from embtune.losses.comparisons import Columns, compare
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.row_blocks import sum_over_row_blocks
from embtune.losses.similarity import prepared
from embtune.losses.views import absent_texts, negative_roles, request_columns


class MultipleNegativesRanking(Objective):
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

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`multiple_negatives_ranking`: the mean over rows."""
        similarity, documents = self.settings.similarity_fct, ("positive", *negative_roles(batch))
        queries_BD = prepared(similarity, batch.embedding("anchor"))
        documents_CD = prepared(similarity, torch.cat([batch.embedding(role) for role in documents]))
        rows, absent_C = len(queries_BD), absent_texts(batch, documents)

        def block_loss(block: slice, tables: tuple[Tensor, ...]) -> Tensor:
            return self._row_losses(Columns(block, rows, absent_C), *tables).sum()

        total = sum_over_row_blocks(block_loss, (queries_BD, documents_CD), rows, batch.row_block)
        return {"multiple_negatives_ranking": total / rows}

    def _row_losses(self, columns: Columns, queries_BD: Tensor, documents_CD: Tensor) -> Tensor:
        similarity, block = self.settings.similarity_fct, columns.block
        similarities = {
            way: compare(way, similarity, block, queries_BD, documents_CD) for way in self.settings.directions
        }
        logits = [self._logits(way, similarities[way], columns) for way in similarities]
        positive_R = self.settings.scale * similarities[Direction.QUERY_TO_DOC][:, block].diagonal()
        return self._log_partition(logits) - positive_R

    def _logits(self, way: Direction, similarities_RK: Tensor, columns: Columns) -> Tensor:
        logits_RK = self.settings.scale * similarities_RK
        if way is Direction.QUERY_TO_DOC and self.settings.hardness_mode is not None:
            hardened_RK = columns.hardened(self.settings.hardness_mode, similarities_RK)
            logits_RK = logits_RK + self.settings.hardness_strength * similarities_RK.detach() * hardened_RK
        return columns.without_excluded(way, logits_RK)

    def _log_partition(self, logits: list[Tensor]) -> Tensor:
        if self.settings.partition_mode is PartitionMode.JOINT and len(logits) > 1:  # one alone needs no copy
            return torch.logsumexp(torch.cat(logits, dim=1), dim=1)
        return torch.stack([torch.logsumexp(part_RK, dim=1) for part_RK in logits]).mean(dim=0)

"""Spreading embeddings out. Legend: N texts of a column, R rows of a block, D width."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from embtune.catalog.choices import Aggregation, Similarity
from embtune.catalog.entries.global_orthogonal_regularization import GlobalOrthogonalRegularizationParameters
from embtune.catalog.roles import in_role_order
from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, BuildContext, Objective, Request, View
from embtune.losses.row_blocks import sum_over_row_blocks
from embtune.losses.similarity import prepared, similarity_matrix


class GlobalOrthogonalRegularization(Objective):
    """Let the similarities of different texts have mean 0 and variance 1/D, as those of random directions have.

        gor_mean          = mean_weight * mean over columns of M1^2
        gor_second_moment = second_moment_weight * mean over columns of max(0, M2 - 1/D)

    M1 and M2 are the means of sim(x_i, x_j) and of its square over all i != j of a column.

    Shapes: any columns (B, D), compared each with itself.
    Parameters: `GlobalOrthogonalRegularizationParameters`; both weights 1.
    Paper: Zhang, Yu, Kumar and Chang 2017, arXiv:1708.06320; used so in EmbeddingGemma, Schechter Vera et al. 2025,
    arXiv:2509.20354.
    Differs from Sentence Transformers: memory is linear in B, modifiers and weighted sums take it, and texts that some
    rows lack are left out.
    """

    def __init__(self, settings: GlobalOrthogonalRegularizationParameters) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def build(
        cls, parameters: GlobalOrthogonalRegularizationParameters, context: BuildContext
    ) -> GlobalOrthogonalRegularization:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """Every row is compared with all others."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """Every text of a row."""
        return Request(tuple(View(role) for role in in_role_order(roles)))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`gor_mean` and `gor_second_moment`, weighted; one that has no weight is not there."""
        columns = [_present(batch, view) for view in batch.embeddings if view == View(view.role)]
        found = {}
        if self.settings.mean_weight:
            means = [self._moment(column, 1, batch).square() for column in columns]
            found["gor_mean"] = self.settings.mean_weight * self._aggregated(means)
        if self.settings.second_moment_weight:
            beyond = [(self._moment(column, 2, batch) - 1 / column.shape[1]).relu() for column in columns]
            found["gor_second_moment"] = self.settings.second_moment_weight * self._aggregated(beyond)
        return found

    def _moment(self, column_ND: Tensor, power: int, batch: Batch) -> Tensor:
        """The mean of sim^power over pairs of different texts; 0 where there are none."""
        texts = len(column_ND)
        block_sum = _sum_of_powers(self.settings.similarity_fct, power)
        vectors_ND = prepared(self.settings.similarity_fct, column_ND)
        total = sum_over_row_blocks(block_sum, (vectors_ND,), texts, batch.row_block, batch.sharing)
        return total / max(1, texts * (texts - 1))

    def _aggregated(self, values: list[Tensor]) -> Tensor:
        total = torch.stack(values).sum()
        return total if self.settings.aggregation is Aggregation.SUM else total / len(values)


def _present(batch: Batch, view: View) -> Tensor:
    """(N, D) the embeddings of the texts that are there."""
    there_B, column_BD = batch.mask(view.role), batch.embeddings[view][-1]
    return column_BD if there_B is None else column_BD[there_B]


def _sum_of_powers(similarity: Similarity, power: int) -> Callable[[slice, tuple[Tensor, ...]], Tensor]:
    def block_sum(block: slice, tables: tuple[Tensor, ...]) -> Tensor:
        (vectors_ND,) = tables
        similarities_RN = similarity_matrix(similarity, vectors_ND[block], vectors_ND)
        own_RN = torch.zeros_like(similarities_RN, dtype=torch.bool)
        own_RN[:, block].fill_diagonal_(True)
        return similarities_RN.masked_fill(own_RN, 0).pow(power).sum()

    return block_sum

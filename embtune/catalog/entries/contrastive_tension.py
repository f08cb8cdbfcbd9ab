"""Plain texts, no labels: two copies of the model shall agree on equal texts and on nothing else."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.choices import Similarity
from embtune.catalog.formats import PAIR_BINARY, SAME_PAIR, TEXT
from embtune.catalog.scaled import Scaled
from embtune.catalog.spec import Coupling, LossSpec, Need, Paper, Parameters, RowMaking


class ContrastiveTensionParameters(Parameters):
    """There are none."""


class ContrastiveTensionInBatchParameters(Scaled):
    """How texts are compared, and how sharply at first: the factor is trained."""

    similarity_fct: Similarity = Field(
        default=Similarity.COSINE, description="How the embeddings of the two copies are compared."
    )


_PAPER = Paper(
    "Semantic Re-Tuning with Contrastive Tension",
    "Carlsson et al.",
    2021,
    "https://openreview.net/forum?id=Ov_sMNau-PF",
)

SPECS = (
    LossSpec(
        name="ContrastiveTensionLoss",
        alias="ct",
        purpose="Let two copies of the model agree on equal texts and disagree on different ones, without labels.",
        formula="loss = sum_i cross_entropy( sigmoid( twin(a_i) . model(b_i) ), a_i == b_i )",
        formats=(TEXT, PAIR_BINARY),
        parameters=ContrastiveTensionParameters,
        coupling=Coupling.ROWS,
        implementation="embtune.losses.contrastive_tension:ContrastiveTension",
        reduction="sum over rows: the gradient grows with batch_size, so lower learning_rate with a larger batch",
        degenerate=(
            "One text: a single pair of equal texts.",
            "Equal texts that meet by chance count as equal.",
        ),
        papers=(_PAPER,),
        needs=frozenset({Need.TWIN}),
        made_of_texts=RowMaking.SAME_OR_DIFFERENT,
    ),
    LossSpec(
        name="ContrastiveTensionLossInBatchNegatives",
        alias="ct-in-batch",
        purpose="Let two copies of the model recognise each text among all texts of the batch, without labels.",
        formula=(
            "loss = mean_i ( cross_entropy(S_i., i) + cross_entropy(S_.i, i) ) / 2\n"
            "S_ij = exp(s) * sim( twin(a_i), model(a_j) ), s trained from log(scale)"
        ),
        formats=(TEXT, SAME_PAIR),
        parameters=ContrastiveTensionInBatchParameters,
        coupling=Coupling.BATCH,
        implementation="embtune.losses.contrastive_tension_in_batch:ContrastiveTensionInBatch",
        reduction="mean over rows, of both directions",
        degenerate=("One row: loss 0 and no gradient, there is nothing to tell it apart from.",),
        papers=(_PAPER,),
        needs=frozenset({Need.TWIN, Need.NO_DUPLICATES, Need.LARGE_BATCH}),
        minimum_batch=2,
    ),
)

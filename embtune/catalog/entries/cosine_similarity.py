"""Scored pairs, regressed: the cosine of a pair shall be its score."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.choices import CosineTransform, Regression
from embtune.catalog.formats import PAIR_SCORE
from embtune.catalog.spec import Coupling, LossSpec, Paper, Parameters


class CosineSimilarityParameters(Parameters):
    """How cosine and score are compared."""

    loss_fct: Regression = Field(
        default=Regression.MSE, description="How the difference between cosine and score counts."
    )
    cos_score_transformation: CosineTransform = Field(
        default=CosineTransform.IDENTITY,
        description="What is done to the cosine first; unit_interval maps -1..1 to 0..1.",
    )


SPECS = (
    LossSpec(
        name="CosineSimilarityLoss",
        alias="cosine",
        purpose="Make the cosine of a pair equal its score.",
        formula="loss = mean_i loss_fct( transform( cos(a_i, b_i) ), y_i )",
        formats=(PAIR_SCORE,),
        parameters=CosineSimilarityParameters,
        coupling=Coupling.ROWS,
        implementation="embtune.losses.cosine_similarity:CosineSimilarity",
        reduction="mean over rows",
        degenerate=("One row is enough; equal texts with score 1 give loss 0.",),
        papers=(
            Paper(
                "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks",
                "Reimers and Gurevych",
                2019,
                "https://arxiv.org/abs/1908.10084",
            ),
        ),
    ),
)

"""Pairs with a class: a linear head, trained beside the model, names the class from the two embeddings."""

from __future__ import annotations

from pydantic import Field, model_validator

from embtune.catalog.formats import PAIR_CLASS
from embtune.catalog.spec import Coupling, LossSpec, Need, Paper, Parameters


class SoftmaxParameters(Parameters):
    """What the head sees, and how many classes it tells apart."""

    num_labels: int | None = Field(
        default=None, ge=2, strict=True, description="Number of classes; null counts those of the training data."
    )
    concatenation_sent_rep: bool = Field(
        default=True, strict=True, description="The head sees both embeddings, a and b."
    )
    concatenation_sent_difference: bool = Field(default=True, strict=True, description="The head sees |a - b|.")
    concatenation_sent_multiplication: bool = Field(default=False, strict=True, description="The head sees a * b.")

    @model_validator(mode="after")
    def _check_head_sees_something(self) -> SoftmaxParameters:
        seen = (self.concatenation_sent_rep, self.concatenation_sent_difference, self.concatenation_sent_multiplication)
        if not any(seen):
            raise ValueError(
                "one of concatenation_sent_rep, concatenation_sent_difference and concatenation_sent_multiplication "
                "must be true, or the head sees nothing"
            )
        return self


SPECS = (
    LossSpec(
        name="SoftmaxLoss",
        alias="softmax",
        purpose="Classify pairs (entailment, neutral, contradiction) through a head trained with the model.",
        formula="loss = mean_i cross_entropy(W [a_i, b_i, |a_i - b_i|, a_i * b_i] + bias, y_i)",
        formats=(PAIR_CLASS,),
        parameters=SoftmaxParameters,
        coupling=Coupling.ROWS,
        implementation="embtune.losses.softmax:Softmax",
        reduction="mean over rows",
        degenerate=("All rows of one class: the head learns to answer it always, the model next to nothing.",),
        papers=(
            Paper(
                "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks",
                "Reimers and Gurevych",
                2019,
                "https://arxiv.org/abs/1908.10084",
            ),
        ),
        needs=frozenset({Need.NUM_LABELS}),
    ),
)

"""Plain texts, no labels: a damaged text's embedding shall hold what is needed to rebuild the original."""

from __future__ import annotations

from pydantic import Field, field_validator

from embtune.catalog.formats import DAMAGED, TEXT
from embtune.catalog.noisy import NoiseParameters
from embtune.catalog.spec import Coupling, LossSpec, Paper, RowMaking


class DenoisingAutoEncoderParameters(NoiseParameters):
    """What rebuilds the text, and how it is damaged first."""

    decoder_name_or_path: str | None = Field(
        default=None,
        description="A language model that rebuilds the text, with a tokenizer of its own; null takes one of the "
        "model's own architecture, or a small one where that has no cross-attention.",
    )
    tie_encoder_decoder: bool = Field(
        default=True,
        strict=True,
        description="Model and decoder share their weights. Has no effect with decoder_name_or_path.",
    )

    @field_validator("decoder_name_or_path")
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        if name is not None and not name.strip():
            raise ValueError("is empty; name a model, or null for the model's own architecture")
        return name


SPECS = (
    LossSpec(
        name="DenoisingAutoEncoderLoss",
        alias="tsdae",
        purpose="Rebuild each text from the embedding of a damaged copy of it, without labels (TSDAE).",
        formula="loss = mean over tokens t of -log p( x_t | x_<t, embedding(damaged x) )",
        formats=(TEXT, DAMAGED),
        parameters=DenoisingAutoEncoderParameters,
        coupling=Coupling.ROWS,
        implementation="embtune.losses.denoising_auto_encoder:DenoisingAutoEncoder",
        reduction="mean over the tokens of all texts of the batch",
        degenerate=(
            "A text of one word is not damaged; an empty text has nothing to rebuild and costs nothing.",
            "Pooling cls suits it best, says the paper.",
        ),
        papers=(
            Paper(
                "TSDAE: Using Transformer-based Sequential Denoising Auto-Encoder for Unsupervised Sentence Embedding "
                "Learning",
                "Wang, Reimers and Gurevych",
                2021,
                "https://arxiv.org/abs/2104.06979",
            ),
        ),
        made_of_texts=RowMaking.NOISE,
    ),
)

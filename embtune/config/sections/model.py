"""`model:` the model that is fine-tuned and how a text becomes a vector."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from embtune.config.sections.base import Auto, Flag, PositiveFloat, PositiveInt, Section, Share, Text, Width
from embtune.config.words import Activation, Pooling


class DenseConfig(Section):
    """`model.dense`: a linear map after pooling."""

    out_features: Width = Field(description="Width of the embeddings after the map.")
    activation: Activation = Field(default=Activation.IDENTITY, description="What follows the map.")


class LoraConfig(Section):
    """`model.lora`: train low-rank updates instead of all weights. Needs the extra `lora`."""

    r: Width = Field(default=16, description="Rank of the updates.")
    alpha: PositiveFloat = Field(default=32.0, description="Scale of the updates: they are multiplied by alpha / r.")
    dropout: Share = Field(default=0.0, description="Dropout before the updates; without effect in a static model.")
    target_modules: Literal["all-linear"] | Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        default="all-linear",
        description="Which modules get updates: all-linear, or a list of names of linear maps and embeddings. Of a "
        "static model its token vectors.",
    )


class ModelConfig(Section):
    """`model:` which model, and how it embeds."""

    name_or_path: Text = Field(
        description="Hub id, a local folder, package:NAME/FOLDER, or scratch: for a small untrained model. A PEFT "
        "adapter is merged into its base model."
    )
    query_name_or_path: Text | None = Field(
        default=None,
        description="Another model for queries (the role anchor), trained beside the one that embeds documents; null "
        "embeds both with one model. Pooling, normalize, dense and revision are of the model for documents.",
    )
    revision: Text | None = Field(default=None, description="Branch, tag or commit on the hub; null is the newest.")
    max_seq_length: PositiveInt | dict[str, PositiveInt] | None = Field(
        default=None,
        description="Tokens kept of a text: one number, or one per role; null keeps the model's own limit.",
    )
    pooling: Pooling = Field(default=Pooling.AUTO, description="How token embeddings become one vector.")
    normalize: Auto | Flag = Field(
        default="auto", description="Whether embeddings get unit length; auto does as the model says."
    )
    dense: DenseConfig | None = Field(default=None, description="A linear map after pooling, to another width.")
    prompts: dict[str, str] = Field(
        default_factory=dict, description="Prompt name to the text put before an input; saved with the model."
    )
    dropout: Share | None = Field(
        default=None, description="Overrides every dropout of the backbone; 0 for exact comparisons."
    )
    lora: LoraConfig | None = Field(
        default=None,
        description="Train low-rank updates instead of the encoder's weights; dense layers and a loss's own parameters "
        "are trained as ever. Usually with a larger train.learning_rate, such as 2e-4. {} takes the defaults.",
    )
    trust_remote_code: Flag = Field(
        default=False, description="Run Python code that comes with the model. Off unless asked for."
    )

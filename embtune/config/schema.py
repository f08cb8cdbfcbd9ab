"""The config, whole: what `embtune train` reads, section by section. Torch-free.

Every key has a description; it is the key's line in the JSON Schema and in the comments `embtune init` writes.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from embtune.config.sections.base import Section, SeedInt, Text
from embtune.config.sections.data import DataConfig
from embtune.config.sections.losses import Losses, OneModifier
from embtune.config.sections.model import ModelConfig
from embtune.config.sections.run import CheckpointConfig, EvalConfig, HubConfig, LoggingConfig
from embtune.config.sections.train import TrainConfig


class RunConfig(Section):
    """One run: model, data, loss, training and what is done with the result."""

    version: Literal[1] = Field(default=1, description="Version of this config's form.")
    output_dir: Text = Field(description="Where the run is kept; relative to the working directory.")
    seed: SeedInt = Field(default=42, description="Seed of every random choice; same seed, same run.")
    model: ModelConfig = Field(description="The model that is fine-tuned.")
    data: DataConfig = Field(description="The rows it learns from and is evaluated on.")
    plugins: tuple[Text, ...] = Field(default=(), description="Python files or modules with losses of your own.")
    loss: Losses = Field(description="The loss, with its parameters; or a list of losses, which are added by weight.")
    modifiers: tuple[OneModifier, ...] = Field(default=(), description="What is put around the loss, innermost first.")
    train: TrainConfig = Field(default_factory=TrainConfig, description="Batches, optimiser, schedule, precision.")
    eval: EvalConfig = Field(default_factory=EvalConfig, description="When the model is evaluated, and by what.")
    checkpoint: CheckpointConfig = Field(
        default_factory=CheckpointConfig, description="What is saved during training, and which model is kept."
    )
    logging: LoggingConfig = Field(default_factory=LoggingConfig, description="How often a step is logged.")
    hub: HubConfig = Field(default_factory=HubConfig, description="Whether the trained model is uploaded.")

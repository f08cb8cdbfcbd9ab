"""`train:` the optimisation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from embtune.config.sections.base import Auto, Flag, Float, NaturalInt, PositiveFloat, PositiveInt, Section, Share
from embtune.config.words import (
    BatchSampler,
    GradientCache,
    OnNonFinite,
    Optimizer,
    Parallel,
    Precision,
    SchedulerType,
)

# Of each pair one is in force: naming the first switches the default of the second off.
ALTERNATIVES = (("max_steps", "num_train_epochs"), ("warmup_steps", "warmup_ratio"))


class TrainConfig(Section):
    """`train:` batches, optimiser, schedule, precision."""

    num_train_epochs: Annotated[PositiveFloat, Field(le=100_000)] | None = Field(
        default=1.0, description="Passes over the training data; may be a fraction. Or max_steps."
    )
    max_steps: PositiveInt | None = Field(default=None, description="Optimiser steps, instead of num_train_epochs.")
    batch_size: PositiveInt = Field(
        default=64, description="Rows in one optimiser step, over all devices: part of the loss, never of the machine."
    )
    micro_batch_tokens: Auto | PositiveInt = Field(
        default="auto", description="Tokens embedded at once: part of the machine, never of the result."
    )
    gradient_cache: GradientCache = Field(
        default=GradientCache.AUTO, description="Recompute embeddings in the backward pass to save memory; same result."
    )
    batch_sampler: BatchSampler = Field(default=BatchSampler.AUTO, description="How rows are put into batches.")
    optimizer: Optimizer = Field(default=Optimizer.ADAMW, description="The optimiser.")
    learning_rate: PositiveFloat = Field(default=2e-5, description="Highest learning rate, reached after warm-up.")
    head_learning_rate: PositiveFloat | None = Field(
        default=None,
        description="The same for parameters of the loss (heads, decoders, scales), on the same schedule; null is "
        "learning_rate.",
    )
    lr_scheduler_type: SchedulerType = Field(
        default=SchedulerType.COSINE, description="Course of the learning rate after warm-up."
    )
    warmup_ratio: Share | None = Field(
        default=0.1, description="Share of all steps over which the learning rate rises from 0. Or warmup_steps."
    )
    warmup_steps: NaturalInt | None = Field(
        default=None, description="Steps over which the learning rate rises from 0, instead of warmup_ratio."
    )
    weight_decay: Annotated[Float, Field(ge=0)] = Field(
        default=0.01, description="Decoupled weight decay; biases and norms are left out."
    )
    max_grad_norm: PositiveFloat | None = Field(
        default=1.0, description="Gradients of everything trainable are clipped to this norm; null does not clip."
    )
    precision: Precision = Field(
        default=Precision.AUTO, description="What the model computes in; the loss and what is trained are always fp32."
    )
    compile: Auto | Flag = Field(
        default="auto",
        description="Compile the model's layers; auto does on a GPU, for runs that are long enough to gain by it.",
    )
    parallel: Parallel = Field(
        default=Parallel.AUTO,
        description="What each of several processes has of the model: all of it, or a part of each weight; auto shards "
        "what does not fit the memory. Same result.",
    )
    on_non_finite: OnNonFinite = Field(
        default=OnNonFinite.STOP,
        description="What to do when a loss or gradient is not finite: stop, or skip the step.",
    )

    @model_validator(mode="before")
    @classmethod
    def _switch_off_alternatives(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        off = {default: None for named, default in ALTERNATIVES if values.get(named) is not None}
        return {**off, **values}

"""`data:` which rows the model learns from and is evaluated on."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from embtune.config.sections.base import PositiveFloat, PositiveInt, Section, Text
from embtune.config.sections.convert import Conversion
from embtune.config.sections.losses import OneLoss
from embtune.config.words import MixtureStrategy, OnBadRow

_NAME = r"^[^\s/@]+$"  # "/" and "@" part metric names, as in dev@64/ndcg@10


def _check_name(name: str) -> str:
    if not re.match(_NAME, name):
        raise ValueError("must be one word without '/' and '@', which part the names of metrics")
    return name


def _forget_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


DatasetName = Annotated[str, AfterValidator(_check_name), WithJsonSchema({"type": "string", "pattern": _NAME})]


class DatasetConfig(Section):
    """What training and evaluation sets have in common."""

    # the default is never seen: _name_after_path gives a name, and a set without a path is refused
    name: DatasetName = Field(
        default="",
        description="Short name for logs and metrics, without /, @ or spaces; by default the file's name.",
        json_schema_extra=_forget_default,
    )
    path: Text = Field(
        description="Hub id, file, glob or folder; csv, tsv, json, jsonl, parquet, arrow, txt, also .gz and .zst."
    )
    columns: dict[str, Text] | None = Field(
        default=None,
        description="Role to column, as {anchor: question, positive: answer}; null detects the roles and says why.",
    )
    convert: Conversion | None = Field(
        default=None,
        description="Make it into pairs, triplets, n-tuples, list, binary or damaged before it is used, as the command "
        "convert does; a section sets more, as {to: pairs, threshold: 0.7}. Draws come from the run's seed.",
    )
    prompts: dict[str, Text] = Field(
        default_factory=dict, description="Role to the name of the prompt (of model.prompts) put before its texts."
    )

    @model_validator(mode="before")
    @classmethod
    def _name_after_path(cls, values: object) -> object:
        if not isinstance(values, dict) or "name" in values or not isinstance(values.get("path"), str):
            return values
        return {**values, "name": name_of(values["path"])}


class TrainDatasetConfig(DatasetConfig):
    """One entry of `data.train`."""

    weight: Annotated[PositiveFloat, Field(le=1000)] = Field(
        default=1.0, description="Share in a mixture, relative to the other training sets."
    )
    batch_size: PositiveInt | None = Field(
        default=None, description="Rows of a step that trains on this set; null takes train.batch_size."
    )
    hold_out: PositiveInt | None = Field(
        default=None,
        description="Rows kept out of training, to evaluate on; rows that share a text stay together.",
    )
    loss: OneLoss | None = Field(
        default=None, description="A loss of its own for this set; null takes the one of the run."
    )


class EvalDatasetConfig(DatasetConfig):
    """One entry of `data.eval`."""


class MixtureConfig(Section):
    """How several training sets are mixed. A batch holds rows of one of them."""

    strategy: MixtureStrategy = Field(
        default=MixtureStrategy.PROPORTIONAL,
        description="Batches of all sets shuffled together (proportional), one of each set in turn as long as it has "
        "any (round_robin), or set after set (concatenate).",
    )
    temperature: Annotated[PositiveFloat, Field(le=1000)] = Field(
        default=1.0,
        description="A set's share of the rows is its weight times its size to the power of 1/temperature: 1 is "
        "proportional to the sizes, more gives small sets more, 1000 gives all as much as their weights say.",
    )


class DataConfig(Section):
    """`data:` training sets, evaluation sets, and what happens to bad rows."""

    train: tuple[TrainDatasetConfig, ...] = Field(min_length=1, description="Training sets; several make a mixture.")
    mixture: MixtureConfig = Field(
        default_factory=MixtureConfig, description="How several training sets are mixed: shares, and order of batches."
    )
    eval: tuple[EvalDatasetConfig, ...] = Field(default=(), description="Evaluation sets.")
    on_bad_row: OnBadRow = Field(
        default=OnBadRow.ERROR,
        description="A row that cannot be used is an error; skip leaves it out, counted, up to a limit.",
    )


def name_of(path: str) -> str:
    """The name of a dataset that was given none: the last part of its path, without suffixes or glob characters."""
    return re.sub(r"[^\w.-]+", "-", PurePath(path).name.split(".")[0]).strip("-") or "data"

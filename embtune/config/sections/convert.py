"""`data.train[].convert:` what a dataset is made into before its loss sees it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from embtune.catalog.conversions import Target
from embtune.config.sections.base import Float, PositiveInt, Section

_Count = Annotated[PositiveInt, Field(le=1000)]


class ConvertConfig(Section):
    """What is made, and the settings of the conversions that lead there; null is each one's own default."""

    to: Target = Field(description="What is made of the data.")
    threshold: Annotated[Float, Field(ge=0, le=1)] | None = Field(
        default=None, description="The score from which on a pair is alike; 0.5 by default."
    )
    positives: _Count | None = Field(
        default=None, description="How many texts of its class each text is paired with; 1 by default."
    )
    negatives: _Count | None = Field(
        default=None,
        description="How many negatives each positive gets, as rows or as columns; by default 1, for n-tuples 5, and 7 "
        "different texts beside each plain text.",
    )
    ratio: Annotated[Float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="The share of words that damage deletes; 0.6 by default."
    )

    def options(self) -> dict[str, int | float]:
        """The settings that were made."""
        return self.model_dump(exclude={"to"}, exclude_none=True)


def _by_word(value: object) -> object:
    """The bare word is the section with nothing else in it."""
    return {"to": value} if isinstance(value, str) else value


def _schema() -> dict[str, Any]:
    """The section or the bare word, references written out since it becomes part of a larger schema."""
    section = ConvertConfig.model_json_schema()
    words = section.pop("$defs")["Target"]["enum"]
    section["properties"]["to"] = {"enum": words, "description": section["properties"]["to"]["description"]}
    return {"anyOf": [{"type": "string", "enum": words}, section]}


Conversion = Annotated[ConvertConfig, BeforeValidator(_by_word), WithJsonSchema(_schema())]

"""`scale` and its inverse, `temperature`: both are accepted, and the one that Sentence Transformers has is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from embtune.catalog.spec import Parameters

# strict, so that a word or a boolean is an error and not quietly a number
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]


class Scaled(Parameters):
    """Parameters of a loss that multiplies similarities by `scale`, alias 1 / `temperature`."""

    scale: PositiveFloat = Field(
        default=20.0,
        description="Factor on the similarities before the softmax; larger is sharper. 20 for cosine, 1 for dot.",
    )
    temperature: PositiveFloat | None = Field(
        default=None,
        exclude=True,
        description="The inverse of scale, for those who know it by that name: 0.05 is scale 20.",
    )

    @model_validator(mode="before")
    @classmethod
    def _read_temperature_as_scale(cls, data: object) -> object:
        return _with_inverse(data, "temperature", "scale")

    @field_validator("temperature", mode="after")
    @classmethod
    def _refuse_both(cls, temperature: float | None) -> None:
        if temperature is not None:  # a lone one was turned into scale before
            raise ValueError("temperature is the inverse of scale; give one of them, not both")


class Tempered(Parameters):
    """Parameters of a loss that divides similarities by `temperature`, alias 1 / `scale`."""

    temperature: PositiveFloat = Field(
        default=0.01,
        description="What the similarities are divided by before the softmax; smaller is sharper.",
    )
    scale: PositiveFloat | None = Field(
        default=None,
        exclude=True,
        description="The inverse of temperature, for those who know it by that name: 100 is temperature 0.01.",
    )

    @model_validator(mode="before")
    @classmethod
    def _read_scale_as_temperature(cls, data: object) -> object:
        return _with_inverse(data, "scale", "temperature")

    @field_validator("scale", mode="after")
    @classmethod
    def _refuse_both(cls, scale: float | None) -> None:
        if scale is not None:  # a lone one was turned into temperature before
            raise ValueError("scale is the inverse of temperature; give one of them, not both")


def _with_inverse(data: object, written: str, kept: str) -> object:
    """Replace a lone valid `written` by its inverse, `kept`; anything else is left for the fields to judge."""
    if not isinstance(data, Mapping) or data.get(kept) is not None:
        return data
    value = data.get(written)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return data
    return {**data, kept: 1.0 / value, written: None}

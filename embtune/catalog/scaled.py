"""`scale` and its inverse, `temperature`: both spellings are accepted, and only `scale` is kept."""

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
        """Replace a lone valid `temperature` by `scale`; anything else is left for the fields to judge."""
        if not isinstance(data, Mapping) or data.get("scale") is not None:
            return data
        temperature = data.get("temperature")
        if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not temperature > 0:
            return data
        return {**data, "scale": 1.0 / temperature, "temperature": None}

    @field_validator("temperature", mode="after")
    @classmethod
    def _refuse_both(cls, temperature: float | None) -> None:
        if temperature is not None:  # a lone one was turned into scale before
            raise ValueError("temperature is the inverse of scale; give one of them, not both")

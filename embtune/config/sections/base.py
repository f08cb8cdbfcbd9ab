"""What all sections share, and the types that several of them use.

Scalars are strict: the word "12" is no number, `true` is no 1. The one kindness is a whole number written as 1e6.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """Base of every section: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _whole(value: object) -> object:
    """1e6 is a float to YAML; where a whole number is wanted it is meant as one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _steps_or_share(value: float) -> int | float:
    """Keep a share, make a whole number of steps an int, refuse the rest."""
    if 0 < value < 1:
        return value
    if value >= 1 and float(value).is_integer():
        return int(value)
    message = "expected a number of steps (1, 2, ...) or a share of training (between 0 and 1), found {found}"
    raise PydanticCustomError("bad-value", message, {"found": f"{value:g}"})


Auto = Literal["auto"]
Flag = Annotated[bool, Strict()]
LARGEST = 10**12  # of a number of steps, rows or tokens; what is computed with it stays within 64 bits
# the limits come before the validator, else the JSON Schema would not show them
NaturalInt = Annotated[int, Strict(), Field(ge=0, le=LARGEST), BeforeValidator(_whole)]
PositiveInt = Annotated[int, Strict(), Field(ge=1, le=LARGEST), BeforeValidator(_whole)]
Width = Annotated[PositiveInt, Field(le=65_536)]  # of vectors
SeedInt = Annotated[int, Strict(), Field(ge=0, lt=2**32), BeforeValidator(_whole)]
Float = Annotated[float, Strict(), Field(allow_inf_nan=False)]
PositiveFloat = Annotated[Float, Field(gt=0)]
Share = Annotated[Float, Field(ge=0, lt=1)]
Text = Annotated[str, Field(min_length=1)]
# A whole number counts optimiser steps, a fraction is a share of all of them.
Interval = Annotated[
    Float,
    AfterValidator(_steps_or_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            ]
        }
    ),
]

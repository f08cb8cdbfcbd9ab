"""A loss or modifier as the config names it: `{name: ..., weight: ..., <parameters of that loss>}`, or its bare name.

The parameters are checked by the model of the one loss that was named, so that one mistake is one error. Which losses
there are, with those of plugins, is the `Catalogue` that comes as the validation's context; installed ones by default.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError, ValidationError

from embtune.catalog import Catalogue, LossSpec, Parameters, UnknownLoss, installed
from embtune.config.sections.base import PositiveFloat, Section

OWN_KEYS = ("name", "weight")
LOSS_ENTRY, MODIFIER_ENTRY = "a loss", "a modifier"


class LossConfig(Section):
    """One loss or modifier with its checked parameters. `spec` is of the name that was written."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    spec: LossSpec = Field(validation_alias="name", description="The catalogue's entry.")
    weight: PositiveFloat = Field(default=1.0, description="Factor on this loss in the sum of all losses.")
    parameters: Parameters = Field(description="Checked by the entry's own parameters.")

    @model_validator(mode="before")
    @classmethod
    def _gather_parameters(cls, entry: object) -> object:
        if isinstance(entry, str):
            return {"name": entry, "parameters": {}}
        if not isinstance(entry, dict):
            return entry
        own = {key: entry[key] for key in OWN_KEYS if key in entry}
        return {**own, "parameters": {key: value for key, value in entry.items() if key not in OWN_KEYS}}

    @field_validator("spec", mode="before")
    @classmethod
    def _find(cls, name: object, info: ValidationInfo) -> LossSpec:
        if not isinstance(name, str):
            raise PydanticCustomError("string_type", "expected the name of a loss")
        try:
            return (info.context if isinstance(info.context, Catalogue) else installed()).find(name)
        except UnknownLoss as error:
            problem = error.problems[0]
            raise _mistake("unknown-loss", problem.message, problem.hint) from None

    @field_validator("parameters", mode="plain")
    @classmethod
    def _check(cls, values: dict[str, object], info: ValidationInfo) -> Parameters:
        spec: LossSpec | None = info.data.get("spec")
        # a loss that does not exist is one mistake, whatever its parameters
        return spec.parameters.model_validate(values) if spec else Parameters()

    @model_serializer
    def _as_written(self) -> dict[str, object]:
        weight = {} if self.spec.is_modifier else {"weight": self.weight}
        return {"name": self.spec.name, **weight, **self.parameters.model_dump(mode="json")}


def _mistake(code: str, text: str, hint: str | None) -> PydanticCustomError:
    return PydanticCustomError(code, "{text}", {"text": text, "hint": hint})


def _refuse(entry: LossConfig, key: str, code: str, text: str, hint: str) -> ValidationError:
    mistake = _mistake(code, text, hint)
    return ValidationError.from_exception_data("loss", [{"type": mistake, "loc": (key,), "input": entry}])


def _as_loss(entry: LossConfig) -> LossConfig:
    name = entry.spec.name
    if entry.spec.is_modifier:
        raise _refuse(entry, "name", "misplaced-loss", f"{name} is a modifier, no loss", "move it under 'modifiers:'")
    return entry


def _as_modifier(entry: LossConfig) -> LossConfig:
    name = entry.spec.name
    if not entry.spec.is_modifier:
        raise _refuse(entry, "name", "misplaced-loss", f"{name} is a loss, no modifier", "move it under 'loss:'")
    if "weight" in entry.model_fields_set:
        raise _refuse(entry, "weight", "unknown-key", "a modifier has no weight", "remove it; losses have weights")
    return entry


def _as_list(value: object) -> object:
    """One loss, by name or as a mapping, is a list of one."""
    if isinstance(value, str | dict):
        return [value]
    if not isinstance(value, list | tuple):
        raise _mistake("wrong-type", "expected the name of a loss, a section with its name, or a list of those", None)
    return value


# Stand-ins: embtune.config.json_schema puts the entries of the catalogue in their place.
_LOSS: dict[str, Any] = {"$comment": LOSS_ENTRY}
_MODIFIER: dict[str, Any] = {"$comment": MODIFIER_ENTRY}
OneLoss = Annotated[LossConfig, AfterValidator(_as_loss), WithJsonSchema(_LOSS)]
Losses = Annotated[
    tuple[OneLoss, ...],
    Field(min_length=1),
    BeforeValidator(_as_list),
    WithJsonSchema({"anyOf": [_LOSS, {"type": "array", "items": _LOSS, "minItems": 1}]}),
]
OneModifier = Annotated[LossConfig, AfterValidator(_as_modifier), WithJsonSchema(_MODIFIER)]

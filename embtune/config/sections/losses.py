"""A loss or modifier as the config names it: `{name: ..., weight: ..., <parameters of that loss>}`, or its bare name.

The parameters are checked by the model of the one loss that was named, so that one mistake is one error.
"""

from __future__ import annotations

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, ValidationError

from embtune.catalog import LossSpec, Parameters, UnknownLoss, find_spec
from embtune.config.sections.base import PositiveFloat, Section
from embtune.config.sections.loss_schema import entry_schema

OWN_KEYS = ("name", "weight")


class LossConfig(Section):
    """One loss or modifier with its checked parameters. `spec` is of the name that was written."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    spec: LossSpec = Field(validation_alias="name")
    weight: PositiveFloat = 1.0
    parameters: Parameters

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
    def _find(cls, name: object) -> object:
        if not isinstance(name, str):
            raise PydanticCustomError("string_type", "")
        try:
            return find_spec(name)
        except UnknownLoss as error:
            problem = error.problems[0]
            raise PydanticCustomError("unknown-loss", "{text}", {"text": problem.message, "hint": problem.hint}) from None

    @field_validator("parameters", mode="plain")
    @classmethod
    def _check(cls, values: dict[str, object], info: ValidationInfo) -> object:
        spec = info.data.get("spec")
        if spec is None:  # an unknown loss is one mistake, whatever its parameters
            return Parameters()
        return spec.parameters.model_validate(values)

    @model_serializer
    def _as_written(self) -> dict[str, object]:
        return {"name": self.spec.name, "weight": self.weight, **self.parameters.model_dump(mode="json")}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Bare names, or one of the entries told apart by `name`."""
        return entry_schema()


def _expect(entry: LossConfig, is_modifier: bool) -> LossConfig:
    if entry.spec.is_modifier is is_modifier:
        return entry
    kind, section = ("a modifier", "modifiers") if entry.spec.is_modifier else ("a loss", "loss")
    text = f"{entry.spec.name} is {kind}, it belongs under '{section}:'"
    mistake = PydanticCustomError("misplaced-loss", "{text}", {"text": text, "hint": None})
    raise ValidationError.from_exception_data("loss", [{"type": mistake, "loc": ("name",), "input": entry.spec.name}])


is_a_loss = AfterValidator(lambda entry: _expect(entry, is_modifier=False))
is_a_modifier = AfterValidator(lambda entry: _expect(entry, is_modifier=True))

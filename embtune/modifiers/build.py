"""From the catalogue's entries to one objective."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from functools import partial
from importlib import import_module
from typing import Protocol, cast

from embtune.catalog import LossSpec, Parameters, effective_parameters, effective_spec
from embtune.catalog.plugins import COUPLING_HINT, coupling_differs
from embtune.errors import ConfigError
from embtune.losses.objective import BuildContext, Objective
from embtune.modifiers.weighted import WeightedSum

WeightedLoss = tuple[LossSpec, Parameters, float]
Modifier = tuple[LossSpec, Parameters]
Builder = Callable[[BuildContext], Objective]


class Part(Enum):
    """What a config names in a list: losses and modifiers."""

    LOSS = "loss"
    MODIFIER = "modifier"


Blame = Callable[[Part, int], AbstractContextManager[object]]
"""(which list, place in it) -> the context in which that loss or modifier is built, to say whose fault an error is."""


def on_nobody(part: Part, place: int) -> AbstractContextManager[object]:
    """Errors go through as they are."""
    return nullcontext()


class _LossClass(Protocol):
    def build(self, parameters: Parameters, context: BuildContext) -> Objective: ...


class _ModifierClass(Protocol):
    def build(self, parameters: Parameters, context: BuildContext, inner: Builder) -> Objective: ...


def build_objective(
    losses: Sequence[WeightedLoss], modifiers: Sequence[Modifier], context: BuildContext, blame: Blame = on_nobody
) -> Objective:
    """The weighted sum of `losses` under `modifiers`, the innermost modifier first.

    Heads and other trainable parts are initialised from torch's global generator.
    A modifier builds what is inside it, so the contexts of `blame` are inside each other.

    Raises:
        ConfigError: an entry's code is missing, or the loss cannot be built for this model and data.
    """
    build: Builder = partial(_build_losses, tuple(losses), blame)
    for place, (spec, parameters) in enumerate(modifiers):
        build = partial(
            _blamed, partial(blame, Part.MODIFIER, place), partial(_build_modifier, spec, parameters, build)
        )
    return build(context)


def _blamed(enter: Callable[[], AbstractContextManager[object]], build: Builder, context: BuildContext) -> Objective:
    with enter():
        return build(context)


def _build_losses(losses: tuple[WeightedLoss, ...], blame: Blame, context: BuildContext) -> Objective:
    built = []
    for place, (spec, parameters, weight) in enumerate(losses):
        with blame(Part.LOSS, place):
            built.append((_build_loss(spec, parameters, context), weight))
    if len(built) == 1 and built[0][1] == 1:
        return built[0][0]
    return WeightedSum(built)


def _build_loss(spec: LossSpec, parameters: Parameters, context: BuildContext) -> Objective:
    implementation = cast(_LossClass, _implementation(spec))
    built = implementation.build(effective_parameters(spec, parameters), context)
    target = effective_spec(spec)
    if built.coupling is not target.coupling:
        raise ConfigError.of("wrong-coupling", coupling_differs(target, built.coupling), COUPLING_HINT)
    return built


def _build_modifier(spec: LossSpec, parameters: Parameters, inner: Builder, context: BuildContext) -> Objective:
    implementation = cast(_ModifierClass, _implementation(spec))
    return implementation.build(effective_parameters(spec, parameters), context, inner)


def _implementation(spec: LossSpec) -> type[Objective]:
    target = effective_spec(spec)
    module, _, name = target.implementation.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        message = f"the code of {target.name}, {target.implementation}, cannot be loaded: {error}"
        raise ConfigError.of("missing-code", message) from error
    if not (isinstance(found, type) and issubclass(found, Objective)):
        raise ConfigError.of("missing-code", f"the code of {target.name}, {target.implementation}, is no Objective")
    return found

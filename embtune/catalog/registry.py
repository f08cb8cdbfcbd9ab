"""Where entries are found, and the questions that are asked of them.

Every module in `embtune/catalog/entries/` holds `SPECS`, a tuple of entries; a new file there is a new loss, with no
list to edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from embtune.catalog import entries
from embtune.catalog.nearest import nearest
from embtune.catalog.spec import LossSpec, Parameters
from embtune.errors import ConfigError, Problem


class UnknownLoss(ConfigError):
    """No entry has this name or alias."""


@cache
def all_specs() -> tuple[LossSpec, ...]:
    """Every entry, sorted by name."""
    modules = (import_module(f"{entries.__name__}.{module.name}") for module in iter_modules(entries.__path__))
    specs: list[LossSpec] = [spec for module in modules for spec in module.SPECS]
    return tuple(sorted(specs, key=lambda spec: spec.name))


@cache
def _by_name() -> dict[str, LossSpec]:
    return {word: spec for spec in all_specs() for word in (spec.name, spec.alias)}


def find_spec(name: str) -> LossSpec:
    """The entry with this canonical name or alias, exactly spelled.

    Raises:
        UnknownLoss: with the nearest name.
    """
    found = _by_name().get(name)
    if found is None:
        raise UnknownLoss(Problem("unknown-loss", f"no loss is named {name!r}", hint=_unknown_hint(name)))
    return found


def _unknown_hint(name: str) -> str:
    alias = _by_name().get(name.lower())
    guess = alias.name if alias else nearest(name, loss_names())
    meant = f"Did you mean {guess!r}? " if guess else ""
    return f"{meant}'embtune list-losses' shows all"


def loss_names() -> tuple[str, ...]:
    """Canonical names and aliases, each loss's name first."""
    return tuple(_by_name())


def effective_spec(spec: LossSpec) -> LossSpec:
    """The entry whose class is built: `spec` itself, or the one it presets."""
    return spec if spec.resolves_to is None else effective_spec(find_spec(spec.resolves_to))


def effective_parameters(spec: LossSpec, parameters: Parameters) -> Parameters:
    """`parameters` of `spec` as parameters of `effective_spec(spec)`, with what `spec` fixes filled in."""
    target = effective_spec(spec)
    if target is spec:
        return parameters
    return target.parameters.model_validate({**parameters.model_dump(mode="json"), **spec.presets})


def losses(specs: Sequence[LossSpec] | None = None) -> tuple[LossSpec, ...]:
    """The entries that are losses, without modifiers."""
    return tuple(spec for spec in (all_specs() if specs is None else specs) if not spec.is_modifier)

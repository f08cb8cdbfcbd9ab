"""Where entries are found, and the questions that are asked of them.

Every module in `embtune/catalog/entries/` holds `SPECS`, a tuple of entries; a new file there is a new loss, with no
list to edit. Installed packages add theirs (`embtune.catalog.plugins`). Those of a config's plugins are known to the
`Catalogue` that is made for the config, and to nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import import_module
from pkgutil import iter_modules

from embtune.catalog import entries
from embtune.catalog.nearest import nearest
from embtune.catalog.plugins import installed_plugins
from embtune.catalog.spec import LossSpec, Parameters
from embtune.errors import ConfigError, Problem


class UnknownLoss(ConfigError):
    """No entry has this name or alias."""


@dataclass(frozen=True)
class Catalogue:
    """The losses and modifiers that there are for a config. Never changes; plugins make a larger one."""

    specs: tuple[LossSpec, ...]  # sorted by name

    @cached_property
    def by_name(self) -> Mapping[str, LossSpec]:
        """Every entry under its name and its alias."""
        return {word: spec for spec in self.specs for word in (spec.name, spec.alias)}

    @cached_property
    def _by_folded_name(self) -> Mapping[str, LossSpec]:
        return {word.casefold(): spec for word, spec in self.by_name.items()}

    def get(self, name: str) -> LossSpec | None:
        """The entry with this canonical name or alias, in whatever case; None where there is none."""
        return self._by_folded_name.get(name.casefold())

    def find(self, name: str) -> LossSpec:
        """The entry with this canonical name or alias, in whatever case.

        Raises:
            UnknownLoss: with the nearest name.
        """
        found = self.get(name)
        if found is None:
            raise UnknownLoss(Problem("unknown-loss", f"no loss is named {name!r}", hint=self._hint(name)))
        return found

    def losses(self) -> tuple[LossSpec, ...]:
        """The entries that are losses, without modifiers."""
        return tuple(spec for spec in self.specs if not spec.is_modifier)

    def joined(self, specs: Iterable[LossSpec]) -> Catalogue:
        """The catalogue with more entries; one that it has already is not added twice.

        Raises:
            ConfigError: a name or alias is that of another entry, or an entry presets one that is not there.
        """
        joined = self
        for spec in specs:
            taken = next(
                (
                    (word, other)
                    for word in (spec.name, spec.alias)
                    if (other := joined.get(word)) and other.implementation != spec.implementation
                ),
                None,
            )
            if taken is not None:
                message = f"{spec.name}: the name {taken[0]!r} is taken by {taken[1].name}"
                raise ConfigError.of("loss-name-taken", message, "give the loss another name, and an alias of its own")
            known = spec.resolves_to is None or spec.target or joined.get(spec.resolves_to)
            if known is None:
                message = f"{spec.name} presets {spec.resolves_to}, and there is no such loss"
                raise ConfigError.of(
                    "missing-target", message, "a plugin that presets another's loss is listed after it"
                )
            linked = replace(spec, target=known) if isinstance(known, LossSpec) else spec
            kept = {spec.name: linked, **{other.name: other for other in joined.specs}}
            joined = Catalogue(tuple(kept[name] for name in sorted(kept)))
        return joined

    def _hint(self, name: str) -> str:
        guess = nearest(name, self.by_name)
        meant = f"Did you mean {guess!r}? " if guess else ""
        return f"{meant}'embtune list-losses' shows all"


@cache
def built_in() -> Catalogue:
    """The entries that come with embtune."""
    modules = (import_module(f"{entries.__name__}.{module.name}") for module in iter_modules(entries.__path__))
    specs: list[LossSpec] = [spec for module in modules for spec in module.SPECS]
    return Catalogue(tuple(sorted(specs, key=lambda spec: spec.name)))


@cache
def installed() -> Catalogue:
    """Those, and the entries of installed packages.

    Raises:
        ConfigError: a package's losses cannot be loaded, or have the names of others.
    """
    catalogue = built_in()
    for plugin in installed_plugins():
        try:
            catalogue = catalogue.joined(plugin.specs)
        except ConfigError as error:
            (problem,) = error.problems
            message = f"{plugin.name}: {problem.message}"
            raise ConfigError.of(problem.code, message, "uninstall it, or tell its authors") from error
    return catalogue


def all_specs() -> tuple[LossSpec, ...]:
    """Every installed entry, sorted by name."""
    return installed().specs


def find_spec(name: str) -> LossSpec:
    """The installed entry with this canonical name or alias, in whatever case.

    Raises:
        UnknownLoss: with the nearest name.
    """
    return installed().find(name)


def loss_names() -> tuple[str, ...]:
    """Canonical names and aliases, each loss's name first."""
    return tuple(installed().by_name)


def effective_spec(spec: LossSpec) -> LossSpec:
    """The entry whose class is built: `spec` itself, or the installed one it presets."""
    return spec if spec.resolves_to is None else effective_spec(spec.target or find_spec(spec.resolves_to))


def effective_parameters(spec: LossSpec, parameters: Parameters) -> Parameters:
    """`parameters` of `spec` as parameters of `effective_spec(spec)`, with what `spec` fixes filled in."""
    target = effective_spec(spec)
    if target is spec:
        return parameters
    return target.parameters.model_validate({**parameters.model_dump(mode="json"), **spec.presets})


def losses(specs: Sequence[LossSpec] | None = None) -> tuple[LossSpec, ...]:
    """The entries that are losses, without modifiers."""
    return tuple(spec for spec in (all_specs() if specs is None else specs) if not spec.is_modifier)

"""Modifiers that train a model's inner layers: there must be some, and one modifier has them all."""

from __future__ import annotations

from collections.abc import Iterator

from embtune.catalog import Catalogue, LossSpec, effective_spec
from embtune.catalog.spec import Need
from embtune.config.tree import KeyPath, Node, dotted, place_of
from embtune.errors import Problem

_STATIC = "scratch:static"  # the one model whose name says that it has no layers


def layer_problems(root: Node, catalogue: Catalogue) -> Iterator[Problem]:
    """What the config alone tells of modifiers that need layers."""
    name = root.find(("model", "name_or_path"))
    static = name is not None and isinstance(name.value, str) and name.value.partition("?")[0] == _STATIC
    for number, path in enumerate(_in_need(root, catalogue)):
        if static:
            message = f"{dotted(path)}: a static model has no layers that could be trained or left out"
            yield place_of(root, path).problem("no-layers", message, "remove the modifier, or name a transformer")
        elif number > 0:
            message = f"{dotted(path)}: another modifier trains the inner layers already"
            yield place_of(root, path).problem("no-layers", message, "keep one of the two")


def _in_need(root: Node, catalogue: Catalogue) -> Iterator[KeyPath]:
    """Where the modifiers that need layers are written."""
    modifiers = root.find(("modifiers",))
    for number, entry in enumerate(modifiers.items if modifiers else ()):
        name = entry.child("name") or entry
        if isinstance(name.value, str) and _needs_layers(catalogue.get(name.value)):
            yield ("modifiers", number)


def _needs_layers(spec: LossSpec | None) -> bool:
    """False for None, of which the schema tells."""
    return spec is not None and Need.LAYERS in effective_spec(spec).needs

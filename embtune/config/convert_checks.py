"""Whether a loss takes what a training set is converted to. The words alone tell, before any data is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from embtune.catalog import Catalogue, LossSpec, losses_fitting, spec_fits
from embtune.catalog.conversions import Target, name_of
from embtune.config.tree import KeyPath, Node, dotted, place_of
from embtune.errors import Problem

_SHOWN = 6


def convert_problems(root: Node, catalogue: Catalogue) -> Iterator[Problem]:
    """A problem for each training set whose loss does not take what its `convert` makes."""
    sets = root.find(("data", "train"))
    for number, entry in enumerate(sets.items if sets else ()):
        path: KeyPath = ("data", "train", number, "convert")
        target = _target(entry.child("convert"))
        if target is None:
            continue
        for spec in _losses(entry.child("loss") or root.child("loss"), catalogue):
            if not spec_fits(spec, target.made.roles, target.made.label):
                yield _unfit(root, path, target, spec, catalogue)


def _target(node: Node | None) -> Target | None:
    """What `convert` names; None where it is not there, or is no word for anything, of which the schema tells."""
    word = node and (node.child("to") or node)
    with suppress(ValueError):
        return Target(str(word.value)) if word and isinstance(word.value, str) else None
    return None


def _losses(node: Node | None, catalogue: Catalogue) -> Iterator[LossSpec]:
    """The losses that a node names, with their formats as their parameters make them."""
    for entry in (node.items or (node,)) if node else ():
        name = entry.child("name") or entry
        spec = catalogue.get(name.value) if isinstance(name.value, str) else None
        teacher = entry.child("teacher")
        if spec is not None and not spec.is_modifier and (teacher is None or teacher.value is None):
            yield spec


def _unfit(root: Node, path: KeyPath, target: Target, spec: LossSpec, catalogue: Catalogue) -> Problem:
    made = target.made
    names = [each.name for each in losses_fitting(made.roles, made.label, catalogue.specs)]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    message = f"{dotted(path)}: {spec.name} does not take {name_of(made)}"
    return place_of(root, path).problem(
        "loss-does-not-fit", message, f"losses that do: {', '.join(names[:_SHOWN])}{more}"
    )

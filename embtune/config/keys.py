"""Which keys exist where, read off the schema: for "did you mean" and "belongs under"."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import TypeGuard, get_args

from embtune.catalog import Catalogue, LossSpec
from embtune.config.schema import RunConfig
from embtune.config.sections.base import Section
from embtune.config.sections.losses import OWN_KEYS, LossConfig
from embtune.config.tree import KeyPath, Node

LOSS_PLACES = ("loss", "loss[]", "modifiers[]", "data.train[].loss")


def pattern(path: KeyPath) -> str:
    """A path with its indices left out: `data.train[].columns`."""
    words = "".join("[]" if isinstance(key, int) else f".{key}" for key in path)
    return words.removeprefix(".")


@cache
def sections() -> dict[str, tuple[str, ...]]:
    """Every section but losses, as a pattern, with the keys it takes; the root is the empty pattern."""
    found: dict[str, tuple[str, ...]] = {}
    _collect(RunConfig, "", found)
    return found


@cache
def described() -> dict[str, str]:
    """Every key but the parameters of losses, as a pattern, with its description and the words it can be."""
    found: dict[str, str] = {}
    _describe(RunConfig, "", found)
    return found


def keys_at(root: Node, path: KeyPath, catalogue: Catalogue) -> tuple[str, ...]:
    """The keys that the section at `path` takes; a loss takes those of the loss its `name` names."""
    if pattern(path) not in LOSS_PLACES:
        top = ("extends",) if not path else ()
        return (*sections().get(pattern(path), ()), *top)
    spec = _named_spec(root, path, catalogue)
    return (*OWN_KEYS, *spec.parameters.model_fields) if spec else OWN_KEYS


def sections_with(root: Node, key: str, catalogue: Catalogue) -> list[str]:
    """The sections, as a person would name them, in which `key` is a key; a loss only where it is the one in use."""
    places = [name for name, keys in sections().items() if key in keys]
    for path in _loss_paths(root):
        spec = _named_spec(root, path, catalogue)
        if spec and key in spec.parameters.model_fields and (name := str(path[0])) not in places:
            places.append(name)
    return places


def _loss_paths(root: Node) -> list[KeyPath]:
    """Where losses and modifiers are written; not by a walk, which for each key of a large config would take long."""
    lists: tuple[KeyPath, ...] = (("loss",), ("modifiers",), ("data", "train"))
    items = {path: range(len(node.items)) for path in lists if (node := root.find(path))}
    found = [("loss",), *((*path, i) for path in lists[:2] for i in items.get(path, ()))]
    found += [("data", "train", i, "loss") for i in items.get(lists[2], ())]
    return [path for path in found if root.find(path)]


def losses_with(parameter: str, catalogue: Catalogue) -> list[str]:
    """The losses and modifiers that take a parameter of this name."""
    return [spec.name for spec in catalogue.specs if parameter in spec.parameters.model_fields]


def example_of(root: Node, path: KeyPath, catalogue: Catalogue) -> object:
    """A value that the parameter of a loss at `path` may have; None where it names none, or it is no parameter."""
    is_loss = pattern(path[:-1]) in LOSS_PLACES or path[:1] in (("loss",), ("modifiers",))
    spec = _named_spec(root, path[:-1], catalogue) if is_loss else None
    field = spec.parameters.model_fields.get(str(path[-1])) if spec else None
    return field.examples[0] if field and field.examples else None


def _named_spec(root: Node, path: KeyPath, catalogue: Catalogue) -> LossSpec | None:
    name = root.find((*path, "name")) or root.find(path)
    return catalogue.get(name.value) if name and isinstance(name.value, str) else None


def _collect(section: type[Section], prefix: str, found: dict[str, tuple[str, ...]]) -> None:
    found[prefix] = tuple(section.model_fields)
    for key, field in section.model_fields.items():
        for inner, is_list in _inner_sections(field.annotation, False):
            place = f"{prefix}.{key}".removeprefix(".") + ("[]" if is_list else "")
            _collect(inner, place, found)


def _describe(section: type[Section], prefix: str, found: dict[str, str]) -> None:
    for key, field in section.model_fields.items():
        place = f"{prefix}.{key}".removeprefix(".")
        words = " | ".join(field.annotation) if _is_words(field.annotation) else ""
        found[place] = " ".join(part for part in (field.description, words and f"({words})") if part)
        for inner, is_list in _inner_sections(field.annotation, False):
            _describe(inner, place + ("[]" if is_list else ""), found)


def _is_words(annotation: object) -> TypeGuard[type[StrEnum]]:
    return isinstance(annotation, type) and issubclass(annotation, StrEnum) and len(annotation) > 1


def _inner_sections(annotation: object, is_list: bool) -> list[tuple[type[Section], bool]]:
    """The sections inside an annotation, and whether each is an item of a list."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [] if issubclass(annotation, LossConfig) else [(annotation, is_list)]
    is_list = is_list or getattr(annotation, "__origin__", None) is tuple
    return [found for inner in get_args(annotation) for found in _inner_sections(inner, is_list)]

"""A config that was read without a mistake, and what can be asked of it afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from embtune.catalog import Catalogue
from embtune.catalog.plugins import Plugin
from embtune.config.dumping import resolved, resolved_yaml
from embtune.config.hiding import hide
from embtune.config.paths import resolve_data_path
from embtune.config.schema import RunConfig
from embtune.config.tree import Key, KeyPath, Node, dotted, place_of
from embtune.errors import Problem

DEFAULT = "default"
_INVERSE: Mapping[Key, Key] = {"scale": "temperature", "temperature": "scale"}


@dataclass(frozen=True)
class LoadedConfig:
    """The checked config together with where each of its values was written.

    text: the file, verbatim. path: as it was named, `<stdin>` for standard input.
    base_dir: the folder that relative paths of the file start from.
    catalogue: the losses it may name, those of its plugins with the others. plugins: as they were loaded.
    variables: name -> value of the environment variables that its texts are made of.
    """

    config: RunConfig
    text: str
    path: str
    base_dir: Path
    tree: Node
    catalogue: Catalogue
    plugins: tuple[Plugin, ...]
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def problem(self, key: KeyPath, code: str, message: str, hint: str | None = None) -> Problem:
        """A mistake found later, located at `key` or its nearest parent that was written.

        A single loss may be written without a list, so `("loss", 0, "scale")` finds `loss: {scale: ...}` too.
        """
        return place_of(self.tree, self._as_written(key)).problem(code, message, hint)

    def data_path(self, path: str) -> str:
        """An absolute path for a local file, glob or folder; a hub id as it is. Paths of `config` are so already."""
        return resolve_data_path(path, self.base_dir)

    def resolved(self) -> dict[str, object]:
        """Every value, defaults too, as plain dicts, lists and scalars."""
        return resolved(self.config)

    def resolved_yaml(self) -> str:
        """Every value, defaults too. Loads back to an equal config, and gives itself back.

        Where a text has the value of an environment variable, its reference stands, as in what the user wrote.
        """
        return resolved_yaml(self.config, self.variables)

    def hide(self, text: str) -> str:
        """The text as a file may hold it: without the values of the environment variables that the config uses."""
        return hide(text, self.variables)

    def origins(self) -> list[tuple[str, object, str]]:
        """Each value as (dotted key, value, origin): `file:line`, `<command line>` or `default`."""
        return [(dotted(path), value, self._origin(path)) for path, value in _leaves(resolved(self.config), ())]

    def _origin(self, path: KeyPath) -> str:
        """Where a value was written; `scale` and `temperature` may each have been written as its inverse."""
        written = self._as_written(path)
        inverse = (*written[:-1], _INVERSE.get(written[-1], written[-1]))
        node = self.tree.find(written) or self.tree.find(inverse)
        return str(node.place) if node else DEFAULT

    def _as_written(self, key: KeyPath) -> KeyPath:
        """Leave out the 0 of a single loss that is not in a list."""
        loss = self.tree.child("loss")
        single = loss is not None and not loss.items
        return ("loss", *key[2:]) if single and key[:2] == ("loss", 0) else key


def _leaves(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value

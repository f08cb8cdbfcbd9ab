"""A config as it was written: values together with the place each came from. Layers are merged as trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from embtune.errors import Location, Problem

Scalar = str | int | float | bool | None
Key = str | int
KeyPath = tuple[Key, ...]
COMMAND_LINE = "<command line>"


@dataclass(frozen=True)
class Place:
    """Where a key or value stands. `line` and `column` count from 1; None on the command line."""

    path: str
    line: int | None = None
    column: int | None = None
    width: int = 1
    source_line: str | None = None

    def problem(self, code: str, message: str, hint: str | None = None) -> Problem:
        """A mistake at this place."""
        location = Location(self.path, self.line, self.column)
        return Problem(code, message, location, hint, self.source_line, self.width)

    def __str__(self) -> str:
        """`path:line`, as `--show-origins` prints it."""
        return str(Location(self.path, self.line))


@dataclass(frozen=True)
class Entry:
    """One `key: value` of a mapping, with the place of the key."""

    key_place: Place
    node: Node


@dataclass(frozen=True)
class Node:
    """A value with its place.

    folder: of the file that wrote it; relative data paths start there.
    known: False where the value could not be read. The problem is already told, and none is told of the value itself.
    """

    value: Scalar | Mapping[str, Entry] | tuple[Node, ...]
    place: Place
    folder: Path
    known: bool = True

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The entries of a mapping; none for anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of a list; none for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    def child(self, key: Key) -> Node | None:
        """The value under a key or an index, or None where there is none."""
        if isinstance(key, str):
            entry = self.entries.get(key)
            return entry.node if entry else None
        return self.items[key] if 0 <= key < len(self.items) else None

    def find(self, path: KeyPath) -> Node | None:
        """The value at a path, or None where there is none."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node else None
        return node

    @property
    def wholly_known(self) -> bool:
        """Whether this value and all below it could be read."""
        return all(node.known for _, node in self.walk())

    def plain(self) -> object:
        """The values alone: dicts, lists and scalars."""
        if isinstance(self.value, Mapping):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        return self.value

    def walk(self, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Node]]:
        """This value and all below it, with their paths, in the order written."""
        yield path, self
        for key, entry in self.entries.items():
            yield from entry.node.walk((*path, key))
        for index, item in enumerate(self.items):
            yield from item.walk((*path, index))

    def with_child(self, key: Key, entry: Entry) -> Node:
        """The same mapping or list with one value replaced or added."""
        if isinstance(key, str):
            return replace(self, value={**self.entries, key: entry})
        return replace(self, value=(*self.items[:key], entry.node, *self.items[key + 1 :]))

    def changed(self, path: KeyPath, change: Callable[[Node], Node]) -> Node:
        """The same tree with the value at `path`, which must be there, replaced by what `change` makes of it."""
        if not path:
            return change(self)
        child = self.child(path[0])
        assert child is not None, f"no value at {path}"
        key_place = self.entries[path[0]].key_place if isinstance(path[0], str) else child.place
        return self.with_child(path[0], Entry(key_place, child.changed(path[1:], change)))

    def without(self, path: KeyPath) -> Node:
        """The same tree without the key at the end of `path`."""
        return self.changed(path[:-1], lambda parent: parent._without_key(path[-1]))

    def _without_key(self, last: Key) -> Node:
        if isinstance(last, str):
            return replace(self, value={key: entry for key, entry in self.entries.items() if key != last})
        return replace(self, value=(*self.items[:last], *self.items[last + 1 :]))


def merge(base: Node, over: Node) -> Node:
    """`over` on top of `base`: mappings are merged key by key, everything else is replaced.

    A loss under another name replaces the one below: its parameters are of no use to the new one.
    """
    if not (isinstance(base.value, Mapping) and isinstance(over.value, Mapping)) or _renamed(base, over):
        return over
    merged = dict(base.value)
    for key, entry in over.value.items():
        below = base.child(key)
        merged[key] = replace(entry, node=merge(below, entry.node)) if below else entry
    return replace(over, value=merged)


def _renamed(base: Node, over: Node) -> bool:
    old, new = base.child("name"), over.child("name")
    return old is not None and new is not None and old.value != new.value


def dotted(path: Sequence[Key]) -> str:
    """A path as `--set` spells it: `data.train.0.path`."""
    return ".".join(str(key) for key in path)


def place_of(root: Node, path: KeyPath, *, of_key: bool = False) -> Place:
    """The place of the value (or the key) at `path`, else of the key of its nearest parent that is written."""
    for length in range(len(path), 0, -1):
        parent = root.find(path[: length - 1])
        key = path[length - 1]
        child = parent.child(key) if parent else None
        if parent is None or child is None:
            continue
        exact = length == len(path)
        if isinstance(key, str) and (of_key or not exact):
            return parent.entries[key].key_place
        return child.place
    return root.place

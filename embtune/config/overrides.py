"""`--set a.b=value`: one value from the command line, on top of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from embtune.config.alternatives import command_line_wins
from embtune.config.parsing import Source
from embtune.config.tree import COMMAND_LINE, Entry, Key, Node, Place, dotted, merge
from embtune.errors import Problem

_PLACE = Place(COMMAND_LINE)


class BadOverride(Exception):
    """An override that leads nowhere."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True)
class Overridden:
    """The tree with each `key=value` put in, in order, the problems of those that could not be, the variables used."""

    root: Node
    problems: list[Problem]
    variables: dict[str, str]


def apply_overrides(root: Node, overrides: Sequence[str], environ: Mapping[str, str]) -> Overridden:
    """The tree with what the command line sets on top."""
    problems: list[Problem] = []
    variables: dict[str, str] = {}
    for text in overrides:
        try:
            keys, value = _parse(text, environ, variables)
            root = _assign(root, keys, value, ())
        except BadOverride as bad:
            problems.append(bad.problem)
    return Overridden(command_line_wins(root), problems, variables)


def _refuse(code: str, message: str, hint: str | None) -> BadOverride:
    return BadOverride(_PLACE.problem(code, message, hint))


def _parse(text: str, environ: Mapping[str, str], variables: dict[str, str]) -> tuple[list[str], Node]:
    """Split at the first `=`; the value is read as YAML, nothing at all as null. The variables in it are added."""
    dotted_key, equals, value = text.partition("=")
    keys = dotted_key.strip().split(".")
    if not equals or not all(keys):
        raise _refuse("bad-set", f"--set {text!r} is no key=value", "write --set train.batch_size=64")
    if keys[0] == "extends":
        raise _refuse("misplaced-key", "--set extends: only a file can extend another", "write it into the config")
    source = Source(COMMAND_LINE, value, Path.cwd(), environ)
    node = source.read() or Node(None, _PLACE, Path.cwd())
    if source.problems:
        problem = source.problems[0]
        raise BadOverride(replace(problem, message=f"--set {dotted_key}: {problem.message}"))
    variables |= source.variables
    return keys, node


def _assign(node: Node, keys: Sequence[str], value: Node, done: tuple[Key, ...]) -> Node:
    if not keys:
        return merge(node, value)
    if isinstance(node.value, tuple):
        key: Key = _index(node, keys[0], done)
    elif isinstance(node.value, Mapping) or node.value is None:
        node, key = replace(node, value=node.entries), keys[0]
    elif isinstance(node.value, str) and done and done[-1] in ("loss", "modifiers"):
        node, key = as_mapping(node), keys[0]
    else:
        raise _refuse("wrong-type", f"--set {dotted((*done, *keys))}: {dotted(done)} has no keys below it", None)
    below = node.child(key) or Node(None, _PLACE, value.folder)
    place = node.entries[key].key_place if isinstance(key, str) and key in node.entries else _PLACE
    return node.with_child(key, Entry(place, _assign(below, keys[1:], value, (*done, key))))


def _index(node: Node, word: str, done: tuple[Key, ...]) -> int:
    count = len(node.items)
    if word.isascii() and word.isdigit() and len(word) < 9 and int(word) < count:
        return int(word)
    entries = "1 entry" if count == 1 else f"{count} entries"
    first, last = dotted((*done, 0)), dotted((*done, count - 1))
    hint = f"there is {first}" + (f" to {last}" if count > 1 else "") if count else f"set {dotted(done)} as a whole"
    raise _refuse("unknown-key", f"--set: {dotted(done)} is a list of {entries} and has no {word!r}", hint)


def as_mapping(node: Node) -> Node:
    """A loss given by its bare name as `{name: ...}`, so that parameters can be merged into it."""
    return replace(node, value={"name": Entry(node.place, node)}) if isinstance(node.value, str) else node

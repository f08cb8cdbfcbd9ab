"""What no single field can see: keys that exclude each other, roles, names used twice, and what is not here yet.

These look at the tree as it was written, so that they speak even where the schema already found mistakes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from embtune.catalog import Catalogue, canonical_role, nearest
from embtune.catalog.roles import role_words
from embtune.config.convert_checks import convert_problems
from embtune.config.layer_checks import layer_problems
from embtune.config.sections.data import name_of
from embtune.config.sections.train import ALTERNATIVES
from embtune.config.tree import Key, KeyPath, Node, dotted, place_of
from embtune.errors import Problem


@dataclass(frozen=True)
class Later:
    """A key of the schema that this version cannot act on: every value but `off` is refused."""

    path: KeyPath
    off: tuple[object, ...]
    what: str


# Delete a row when the key starts to work.
LATER = (
    Later(("hub", "push"), (False, None), "uploading to the hub"),
    Later(("logging", "report_to"), ([], None), "trackers"),
)


@dataclass(frozen=True)
class Extra:
    """A key whose values, all but null, need a package that is an extra of embtune's."""

    path: KeyPath
    package: str
    extra: str
    what: str


EXTRAS = (Extra(("model", "lora"), "peft", "lora", "low-rank updates"),)


def cross_checks(root: Node, catalogue: Catalogue) -> list[Problem]:
    """The problems of all checks but `not_available`."""
    checks: tuple[Callable[[Node], Iterator[Problem]], ...] = (_alternatives, _roles, _names, _extras)
    found = [problem for check in checks for problem in check(root)]
    return [*found, *layer_problems(root, catalogue), *convert_problems(root, catalogue)]


def not_available(root: Node) -> tuple[Node, list[Problem]]:
    """The problems of keys that this version cannot act on, and the tree without them: one mistake is told once."""
    problems = []
    for row in LATER:
        node = root.find(row.path)
        if node is not None and node.wholly_known and node.plain() not in row.off:
            message = f"{dotted(row.path)}: {row.what} cannot be used in this version of embtune"
            place = place_of(root, row.path, of_key=True)
            problems.append(place.problem("not-available", message, "remove the line"))
            root = root.without(row.path)
    return root, problems


def _is_set(root: Node, path: KeyPath) -> bool:
    node = root.find(path)
    return node is not None and node.known and node.value is not None


def _alternatives(root: Node) -> Iterator[Problem]:
    """Only one key of a pair may be given, and one of the pair of lengths must be."""
    for first, second in ALTERNATIVES:
        if _is_set(root, ("train", first)) and _is_set(root, ("train", second)):
            place = max(
                (place_of(root, ("train", key), of_key=True) for key in (first, second)), key=lambda at: at.line or 0
            )
            message = f"train: {second!r} and {first!r} exclude each other"
            yield place.problem("conflicting-keys", message, "keep one of the two")
    length = root.find(("train", "num_train_epochs"))
    if length is not None and length.known and length.value is None and not _is_set(root, ("train", "max_steps")):
        message = "train: the run has no length, num_train_epochs is null and max_steps is not given"
        yield length.place.problem("missing-key", message, "write num_train_epochs or max_steps")


def _data_sets(root: Node) -> Iterator[tuple[KeyPath, Node]]:
    for part in ("train", "eval"):
        found = root.find(("data", part))
        for index, entry in enumerate(found.items if found else ()):
            yield ("data", part, index), entry


def _roles(root: Node) -> Iterator[Problem]:
    """Roles are named in `columns` and `prompts` of a data set and in `model.max_seq_length`."""
    places: list[KeyPath] = [("model", "max_seq_length")]
    places += [(*path, key) for path, _ in _data_sets(root) for key in ("columns", "prompts")]
    for path in places:
        node = root.find(path)
        for word in node.entries if node else ():
            if canonical_role(word) is None:
                yield _unknown_role(root, path, word)


# columns that people take for roles
_USUAL_COLUMNS = {
    "question": "anchor",
    "answer": "positive",
    "context": "positive",
    "title": "anchor",
    "body": "positive",
    "premise": "sentence_A",
    "hypothesis": "sentence_B",
}


def _unknown_role(root: Node, path: KeyPath, word: str) -> Problem:
    value = root.find((*path, word))
    guess = _USUAL_COLUMNS.get(word.lower()) or nearest(word, role_words())
    every = f"the roles are {', '.join(role_words())}, and negative_1, negative_2 ..."
    hint = f"did you mean {guess!r}?" if guess else every
    named = canonical_role(value.value) if value is not None and isinstance(value.value, str) else None
    if path[-1] == "columns" and value is not None and named and named != nearest(word, role_words()):
        hint = f"role first, then column: write '{value.value}: {word}'"
    place = place_of(root, (*path, word), of_key=True)
    return place.problem("unknown-role", f"{dotted(path)}: {word!r} is no role", hint)


def _names(root: Node) -> Iterator[Problem]:
    """Metrics and logs tell data sets apart by name, so each name is used once in training and once in evaluation.

    A training set that holds out rows uses its name in both.
    """
    seen: dict[tuple[Key, str], KeyPath] = {}
    for path, entry in _data_sets(root):
        written, source = entry.child("name"), entry.child("path")
        name = written.value if written else name_of(str(source.value)) if source else None
        if not isinstance(name, str):  # the schema says so
            continue
        uses = [path[1], "eval"] if _is_set(root, (*path, "hold_out")) else [path[1]]
        first = next((found for use in uses if (found := seen.setdefault((use, name), path)) != path), path)
        if first != path:
            at = (*path, "name" if written else "path")
            message = f"{dotted(path)}: the name {name!r} is also that of {dotted(first)}"
            yield place_of(root, at).problem("duplicate-name", message, "give each its own 'name:'")


def _extras(root: Node) -> Iterator[Problem]:
    """A package that is missing is told of before anything is read. Nothing is imported for it."""
    for row in EXTRAS:
        if _is_set(root, row.path) and importlib.util.find_spec(row.package) is None:
            message = f"{dotted(row.path)}: {row.what} need the package {row.package}, which is not installed"
            hint = f"pip install 'embtune[{row.extra}]'"
            yield place_of(root, row.path, of_key=True).problem("missing-package", message, hint)

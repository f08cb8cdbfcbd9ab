"""YAML text to a tree with places. Every mistake is collected, none is raised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from embtune.config import scalars
from embtune.config.environment import BadReference, has_reference, interpolate, is_one_reference, variables_in
from embtune.config.tree import COMMAND_LINE, Entry, Node, Place, Scalar
from embtune.config.yaml_errors import explain
from embtune.errors import Problem

MAX_SHOWN = 400  # a longer line is not shown above its caret
_LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")  # as the parser counts lines
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


def is_writable(text: str) -> bool:
    """Whether a config can hold the text: it has no null character and no half of a surrogate pair."""
    return not _UNWRITABLE.search(text)


@dataclass
class Source:
    """One YAML text being read: where it is from, what its variables are, and the problems found so far."""

    path: str
    text: str
    folder: Path
    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)  # whose values are in texts of the tree
    _nodes: int = 0

    def __post_init__(self) -> None:
        self._lines = _LINE_END.split(self.text)

    def read(self) -> Node | None:
        """The tree, or None when the text is no YAML at all. See `problems` in either case."""
        try:
            root = yaml.compose(self.text, scalars.CoreLoader)
            return self._node(root, (), self._start()) if root is not None else None
        except yaml.MarkedYAMLError as error:
            self._tell_syntax(error)
        except yaml.reader.ReaderError as error:
            self._tell_character(error.position)
        except RecursionError:
            self._tell(
                self._start(), "yaml-syntax", "the config is nested too deeply", "is a bracket '[' or '{' not closed?"
            )
        return None

    def _start(self) -> Place:
        return Place(self.path) if self.path == COMMAND_LINE else Place(self.path, 1, 1)

    def _tell(self, place: Place, code: str, message: str, hint: str | None) -> None:
        self.problems.append(place.problem(code, message, hint))

    def _tell_character(self, position: int) -> None:
        before = _LINE_END.split(self.text[:position])
        located = self.path != COMMAND_LINE
        place = Place(self.path, len(before), len(before[-1]) + 1) if located else Place(self.path)
        message = f"the character U+{ord(self.text[position]):04X} is not allowed in YAML"
        self._tell(place, "yaml-syntax", message, "remove it, or write it as an escape in double quotes")

    def _tell_syntax(self, error: yaml.MarkedYAMLError) -> None:
        message, hint, mark = explain(error)
        code = "too-large" if isinstance(error, scalars.TooManyNodes) else "yaml-syntax"
        self._tell(self._at(mark, mark) if mark else Place(self.path), code, message, hint)

    def _at(self, start: yaml.Mark, end: yaml.Mark) -> Place:
        if self.path == COMMAND_LINE:
            return Place(COMMAND_LINE)
        line = min(start.line, len(self._lines) - 1)
        shown = self._lines[line].replace("\t", " ")
        width = (end.column if end.line == start.line else len(shown)) - start.column
        return Place(self.path, line + 1, start.column + 1, max(1, width), shown if len(shown) <= MAX_SHOWN else None)

    def _node(self, node: yaml.Node, above: tuple[int, ...], place: Place) -> Node:
        self._nodes += 1
        if id(node) in above or self._nodes > scalars.MAX_NODES:  # a page of aliases stands for billions of values
            if self._nodes <= scalars.MAX_NODES or not any(problem.code == "too-large" for problem in self.problems):
                self._tell(place, "too-large", "aliases make this value too large or endless", "write the values out")
            return Node(None, place, self.folder, known=False)
        above = (*above, id(node))
        if isinstance(node, yaml.MappingNode) and node.tag == scalars.MAP:
            return self._mapping(node, above, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == scalars.SEQ:
            items = tuple(self._node(item, above, self._at(item.start_mark, item.end_mark)) for item in node.value)
            return Node(items, place, self.folder)
        if isinstance(node, yaml.ScalarNode) and node.tag in scalars.SCALAR_TAGS:
            return self._scalar(node, place)
        self._tell(
            place, "yaml-tag", f"the tag {node.tag!r} is not allowed", "remove the '!' tag; plain YAML is enough"
        )
        return Node(None, place, self.folder, known=False)

    def _mapping(self, node: yaml.MappingNode, above: tuple[int, ...], place: Place) -> Node:
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            key_place = self._at(key_node.start_mark, key_node.end_mark)
            key = self._key(key_node, key_place)
            if key is None:
                continue
            if key in entries:
                first = entries[key].key_place
                self._tell(
                    key_place,
                    "duplicate-key",
                    f"the key {key!r} is here twice",
                    f"it is first on line {first.line}; keep one",
                )
                continue
            entries[key] = Entry(key_place, self._node(value_node, above, self._value_place(value_node, key_place)))
        return Node(entries, place, self.folder)

    def _key(self, node: yaml.Node, place: Place) -> str | None:
        if isinstance(node, yaml.ScalarNode) and node.tag == scalars.STR and not _UNWRITABLE.search(node.value):
            if node.value != "<<" or node.style is not None:
                return str(node.value)
            self._tell(place, "unknown-key", "merge keys ('<<') are not read", "share settings by 'extends: base.yaml'")
            return None
        self._tell(place, "wrong-type", "a key must be a word", 'put it into quotes if it is meant: "1": ...')
        return None

    def _value_place(self, node: yaml.Node, key_place: Place) -> Place:
        """A value's own place; its key's for a block (it begins on the next line) and for nothing at all."""
        block = isinstance(node, yaml.CollectionNode) and not node.flow_style
        nothing = node.start_mark.index == node.end_mark.index
        return key_place if block or nothing else self._at(node.start_mark, node.end_mark)

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Node:
        try:
            return Node(self._value(node), place, self.folder)
        except BadReference as bad:
            self._tell(place, bad.code, bad.message, bad.hint)
        except ValueError:
            wanted = node.tag.rpartition(":")[2]
            self._tell(place, "bad-value", f"this is no {wanted}, or too long to be a setting", None)
        return Node(None, place, self.folder, known=False)

    def _value(self, node: yaml.ScalarNode) -> Scalar:
        text: str = node.value
        if _UNWRITABLE.search(text):
            raise BadReference("bad-value", "the text holds a character that no file can hold", "remove the escape")
        if node.tag != scalars.STR or not has_reference(text):
            return scalars.read_scalar(node.tag, text)
        replaced = interpolate(text, self.environ)
        value = scalars.read_word(replaced) if node.style is None and is_one_reference(text) else replaced
        self.variables |= variables_in(text, self.environ) if isinstance(value, str) else {}
        return value

"""What the schema found wrong, in a person's words: one problem a key, located, with its remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from pydantic import ValidationError

from embtune.catalog import Catalogue, nearest
from embtune.config.keys import example_of, pattern
from embtune.config.scalars import read_word, write_yaml
from embtune.config.tree import KeyPath, Node, dotted, place_of
from embtune.config.unknown import may_mean, unknown_key
from embtune.errors import Problem

MAX_TOLD = 100  # mistakes of one config; each takes time, and nobody reads more
_EXPECTED = {
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number",
    "bool_type": "true or false", "bool_parsing": "true or false",
    "string_type": "text",
    "tuple_type": "a list", "list_type": "a list",
    "dict_type": "a section of 'key: value' lines", "model_type": "a section of 'key: value' lines",
}  # fmt: skip
_CONSTRAINTS = {
    "greater_than": "must be greater than {gt:g}", "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}", "less_than_equal": "must be at most {le:g}",
    "finite_number": "must be a finite number", "string_too_short": "must not be empty",
    "too_short": "must have at least {min_length} entries", "too_long": "must have at most {max_length} entries",
}  # fmt: skip
_WORDS_OF_ENUM = re.compile(r"'([^']*)'|(-?\d+)")
_ENUMS = ("enum", "literal_error")
# what a bare text was meant to be, where a section is wanted
_SHORTHANDS = {
    "model": "{{name_or_path: {value}}}",
    "data": "{{train: [{{path: {value}}}]}}",
    "data.train": "[{{path: {value}}}]",
    "data.eval": "[{{path: {value}}}]",
}


@dataclass(frozen=True)
class Finding:
    """One complaint of the schema at a key of the tree."""

    path: KeyPath
    kind: str  # pydantic's error type, or one of our own codes (with a hyphen)
    context: Mapping[str, object]
    text: str


def schema_problems(error: ValidationError, root: Node, catalogue: Catalogue) -> list[Problem]:
    """One problem for each key that the schema complains of; alternatives of one key are told together."""
    by_key: dict[KeyPath, list[Finding]] = {}
    for finding in _findings(error, root):
        by_key.setdefault(finding.path, []).append(finding)
    unknown = [path for path, found in by_key.items() if any(finding.kind == "extra_forbidden" for finding in found)]
    meant = {target for path in unknown[:MAX_TOLD] for target in may_mean(root, path, catalogue)}
    parents = {path[:length] for path in by_key for length in range(len(path))}
    worth = [path for path in by_key if _worth_telling(root, path, parents, meant)]
    told = [_problem(root, path, by_key[path], catalogue) for path in worth[:MAX_TOLD]]
    return [*told, *_untold(root, worth[MAX_TOLD:])]


def _untold(root: Node, paths: Sequence[KeyPath]) -> list[Problem]:
    """One problem for all those beyond the number that a person reads."""
    if not paths:
        return []
    message = f"{len(paths)} more mistakes from here on are not shown"
    return [place_of(root, paths[0], of_key=True).problem("more-mistakes", message, "is this a config of embtune?")]


def _finding(location: Sequence[str | int], kind: str, context: Mapping[str, object], text: str, root: Node) -> Finding:
    """Drop from pydantic's path what is no key of the tree: names of alternatives, and our own `parameters`."""
    path: KeyPath = ()
    node = root
    for key in location[:-1] if kind == "missing" else location:
        child = node.child(key)
        if child is not None:
            node, path = child, (*path, key)
    return Finding((*path, location[-1]) if kind == "missing" else path, kind, context, text)


def refused_nulls(error: ValidationError, root: Node) -> set[KeyPath]:
    """The keys whose value is null where the schema does not let it be."""
    findings = _findings(error, root)
    nulls = {finding.path for finding in findings if finding.kind not in ("missing", "extra_forbidden")}
    return {path for path in nulls if (node := root.find(path)) and node.known and node.value is None}


def _findings(error: ValidationError, root: Node) -> list[Finding]:
    return [
        _finding(details["loc"], details["type"], details.get("ctx", {}), details["msg"], root)
        for details in error.errors(include_url=False)
    ]


def _worth_telling(root: Node, path: KeyPath, parents: Set[KeyPath], meant: Set[str]) -> bool:
    """Whether a complaint is news.

    Args:
        parents: the paths above those that the schema complains of.
        meant: the keys that unknown ones may have been meant to be.
    """
    node = root.find(path)
    if node is None:
        # a missing key that is there under another name or in another place is told of there
        return not any(target == pattern(path) or target.startswith(pattern(path) + ".") for target in meant)
    # a section that was tried as one of several alternatives: its own keys say more
    return node.wholly_known and not (path in parents and (node.entries or node.items))


def _problem(root: Node, path: KeyPath, findings: Sequence[Finding], catalogue: Catalogue) -> Problem:
    kinds = {finding.kind: finding for finding in findings}
    if "extra_forbidden" in kinds:
        return unknown_key(root, path, catalogue)
    if "missing" in kinds:
        return _missing(root, path, catalogue)
    code, message, hint = _judge(root, path, findings)
    return place_of(root, path).problem(code, f"{dotted(path)}: {message}" if path else message, hint)


def _missing(root: Node, path: KeyPath, catalogue: Catalogue) -> Problem:
    section = f" of {dotted(path[:-1])!r}" if path[:-1] else ""
    parent = root.find(path[:-1])
    slip = nearest(str(path[-1]), parent.entries) if parent else None
    hint = f"{slip!r} is probably meant to be it" if slip else f"add '{path[-1]}: ...'"
    example = example_of(root, path, catalogue)
    if example is not None and parent is not None and not slip:
        hint = _with_example(parent, path, write_yaml(example, flow=True), hint)
    place = place_of(root, path[:-1], of_key=True)
    return place.problem("missing-key", f"the key {path[-1]!r}{section} is missing", hint)


def _with_example(parent: Node, path: KeyPath, example: str, hint: str) -> str:
    """The remedy with a value that would do; a loss of which only the name is written becomes a section."""
    name = parent.child("name") or parent
    if name.place != parent.place:
        return f"{hint}, such as '{path[-1]}: {example}'"
    key = f"{path[-2]}: " if isinstance(path[-2], str) else "- "
    return f"write '{key}{{name: {name.value}, {path[-1]}: {example}}}', for example"


def _judge(root: Node, path: KeyPath, findings: Sequence[Finding]) -> tuple[str, str, str | None]:
    """Code, message and remedy of a value: our own checks first, then limits, then types."""
    node = root.find(path)
    value = node.plain() if node else None
    for finding in findings:
        if "-" in finding.kind:
            hint = finding.context.get("hint")
            return finding.kind, finding.text, str(hint) if hint else None
        if finding.kind == "value_error":
            return "bad-value", str(finding.context.get("error", finding.text)), None
    words = [word for finding in findings if finding.kind in _ENUMS for word in _words(finding)]
    for finding in findings:
        if finding.kind in _CONSTRAINTS:
            limit = "must not be empty" if value == [] else _CONSTRAINTS[finding.kind].format(**finding.context)
            return "bad-value", f"{limit}{_or(words)}, found {found(value)}", None
    return _mismatch(path, value, findings, words)


def _mismatch(
    path: KeyPath, value: object, findings: Sequence[Finding], words: Sequence[str]
) -> tuple[str, str, str | None]:
    types = list(dict.fromkeys(_EXPECTED.get(finding.kind, "") for finding in findings))
    expected = [text for text in types if text]
    if words and not expected and isinstance(value, str):
        guess = nearest(value, words)
        hint = f"did you mean {guess!r}?" if guess else None
        return "bad-value", f"expected one of {', '.join(words)}; found {found(value)}", hint
    if words:
        expected = [("one of " if len(words) > 1 else "") + ", ".join(words), *expected]
    if not expected:
        return "bad-value", findings[0].text.replace("Input should", "it should"), None
    return "wrong-type", f"expected {_either(expected)}, found {found(value)}", _type_hint(path, value, expected)


def _either(expected: Sequence[str]) -> str:
    *first, last = " or ".join(expected).split(" or ")
    return f"{', '.join(first)} or {last}" if first else last


def _or(words: Sequence[str]) -> str:
    return f", or be {' or '.join(words)}" if words else ""


def _words(finding: Finding) -> list[str]:
    return [word or number for word, number in _WORDS_OF_ENUM.findall(str(finding.context.get("expected", "")))]


def found(value: object) -> str:
    """A value as a message names it: its kind, and itself where it is short."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, dict):
        return "a section" if value else "an empty section"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    shown = write_yaml(value, flow=True) if not isinstance(value, str) else repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return f"the text {shown}" if isinstance(value, str) else shown


def _type_hint(path: KeyPath, value: object, expected: Sequence[str]) -> str | None:
    key, name = path[-1] if path else "", dotted(path)
    if value is None:
        return "give it a value, or remove the line to get the default"
    if isinstance(value, str):
        return _text_hint(str(key), name, value, expected)
    if "text" in expected and not isinstance(value, dict | list):
        return f'put it into quotes: {key}: "{write_yaml(value, flow=True)}"'
    if "a list" in expected and isinstance(value, dict):
        return "put '- ' before each entry"
    return f"write '{key}: [{write_yaml(value, flow=True)}]'" if "a list" in expected else None


def _text_hint(key: str, name: str, value: str, expected: Sequence[str]) -> str | None:
    if name in _SHORTHANDS:
        return f"write '{key}: {_SHORTHANDS[name].format(value=write_yaml(value, flow=True))}'"
    if "true or false" in expected:
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(value.lower())
        return f"{value} is a word in YAML 1.2; write '{key}: {meant}'" if meant else None
    if "a whole number" in expected or "a number" in expected:
        bare = re.sub(r"[_,\s]", "", value)
        number = read_word(bare) if len(bare) < 40 else None
        return f"write '{key}: {bare}'" if isinstance(number, int | float) and not isinstance(number, bool) else None
    return f"write '{key}: [{write_yaml(value, flow=True)}]'" if "a list" in expected else None

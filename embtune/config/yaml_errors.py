"""What the YAML parser complains of, in a person's words."""

from __future__ import annotations

import yaml

from embtune.config.scalars import MAX_NODES, TooManyNodes

# the parser's phrase: what is wrong, and what to do
_PHRASES = (
    ("character '\\t'", "a tab stands where YAML wants spaces", "indent with spaces"),
    ("character '@'", "a word cannot start with '@'", "put the text into quotes"),
    ("character '`'", "a word cannot start with '`'", "put the text into quotes"),
    ("character '%'", "a word cannot start with '%'", "put the text into quotes"),
    ("mapping values are not allowed here", "a second 'key: value' begins here, or the indentation is wrong",
     "give each key its own line, indented like its neighbours; put text that holds ': ' into quotes"),
    ("could not find expected ':'", "this line is no 'key: value'", "write 'key: value', with a space after the colon"),
    ("expected <block end>", "the indentation does not match the lines above",
     "indent keys of one section by the same number of spaces"),
    ("expected ',' or ']'", "a list '[...]' is not closed or lacks a comma", "write [a, b, c]"),
    ("expected ',' or '}'", "a mapping '{...}' is not closed or lacks a comma", "write {key: value, other: value}"),
    ("found unexpected end of stream", "a quote is opened and never closed", "close it, or remove it"),
    ("expected the node content", "a value is missing here, or a bracket is not closed", None),
    ("found undefined alias", "an alias (*name) without its anchor (&name)",
     "define the anchor above, or put the text into quotes"),
    ("found duplicate anchor", "an anchor (&name) is defined twice", "give each anchor a name of its own"),
    ("expected a single document", "a second document begins here ('---')", "keep one config a file"),
    ("found unknown escape character", "an unknown escape in a double-quoted text",
     r"write \\ for a backslash, or use single quotes"),
)  # fmt: skip


# of what is never closed, the beginning says more than the place where the parser gave up
_OPENED = ("expected ',' or", "found unexpected end of stream", "could not find expected ':'")


def explain(error: yaml.MarkedYAMLError) -> tuple[str, str | None, yaml.Mark | None]:
    """Message, remedy and place of an error of the scanner, parser or composer."""
    if isinstance(error, TooManyNodes):
        return (
            f"the config holds more than {MAX_NODES:,} values",
            "a config has some hundred at most",
            error.problem_mark,
        )
    message, hint = _words(error)
    if any(phrase in (error.problem or "") for phrase in _OPENED):
        return message, hint, error.context_mark or error.problem_mark
    return message, hint, error.problem_mark or error.context_mark


def _words(error: yaml.MarkedYAMLError) -> tuple[str, str | None]:
    found = f"{error.context or ''} {error.problem or ''}"
    for phrase, message, hint in _PHRASES:
        if phrase in found:
            return message, hint
    return (error.problem or "this is no YAML").strip(), None

"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from typing import BinaryIO

from embtune.data.readers.lines import Line, read_lines
from embtune.data.row import Row, RowMaker, Rows

MAX_DEPTH = 32  # lists and objects inside one another; deeper ones would end in Python's own limit somewhere later
_TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep"
_ARRAY = "a file that holds one JSON array has a name that ends in .json"
_FLAT = "a row holds texts, numbers and lists of them"


def read_json_lines(stream: BinaryIO, maker: RowMaker) -> Rows:
    """A row for each line that is not blank."""
    for line in read_lines(stream):
        if line.fault:
            yield maker.bad(line.number, line.fault.code, line.fault.message, line.fault.hint, line.fault.column)
        elif not line.text.isspace():
            yield _parse(line, maker)


def _parse(line: Line, maker: RowMaker) -> Row:
    try:
        value = json.loads(line.text.rstrip("\r\n"))  # without its end, so that an error there has a column
    except json.JSONDecodeError as error:
        return maker.bad(line.number, "broken-json", f"this line is no JSON: {error.msg}", _hint(line), error.colno)
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits; a thousand brackets
        return maker.bad(line.number, "broken-json", f"this line cannot be read as JSON: {error}", _FLAT)
    return object_row(value, line.number, maker, opened=line.text.count("[") + line.text.count("{"))


def object_row(value: object, line: int, maker: RowMaker, opened: int) -> Row:
    """The row of one JSON value, bad where it is no object.

    Args:
        opened: how many brackets its text opens; few cannot be nested deeply, which saves looking.
    """
    if opened > MAX_DEPTH and is_too_deep(value):
        return maker.bad(line, "nested-too-deeply", _TOO_DEEP, _FLAT)
    if isinstance(value, dict):
        return maker.good(line, value)
    message = f'expected an object such as {{"text": "..."}}, found {json_kind(value)}'
    return maker.bad(line, "not-an-object", message, _ARRAY if line == 1 and isinstance(value, list) else None)


def is_too_deep(value: object) -> bool:
    """Whether lists and objects are nested more than `MAX_DEPTH` levels deep."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        holders = [each for each in level if isinstance(each, list | dict)]
        level = [item for each in holders for item in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return False
    return True


def json_kind(value: object) -> str:
    """What a value is, in words for messages: "a number (3)"."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    if value is None:
        return "null"
    name = names.get(type(value), type(value).__name__)
    return f"{name} ({_shorten(repr(value))})"


def _shorten(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _hint(line: Line) -> str:
    if line.number == 1 and line.text.lstrip().startswith("["):
        return _ARRAY
    return "each line holds one whole JSON object"

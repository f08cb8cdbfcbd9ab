"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from typing import BinaryIO

from embtune.data.readers.lines import Line, read_lines
from embtune.data.row import Row, RowMaker, Rows


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
        return maker.bad(line.number, "broken-json", f"this line cannot be read as JSON: {error}")
    return object_row(value, line.number, maker)


def object_row(value: object, line: int, maker: RowMaker) -> Row:
    """The row of one JSON value, bad where it is no object."""
    if isinstance(value, dict):
        return maker.good(line, value)
    message = f'expected an object such as {{"text": "..."}}, found {json_kind(value)}'
    return maker.bad(line, "not-an-object", message)


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
        return "a file that holds one JSON array has a name that ends in .json"
    return "each line holds one whole JSON object"

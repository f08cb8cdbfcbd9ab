"""A JSON document: an array of objects, {"data": [...]}, or objects one after the other.

The file is read whole, but its elements are parsed one by one, so that each keeps its line and one mistake has a place.
"""

from __future__ import annotations

import json
import re
from typing import BinaryIO, NoReturn

from embtune.data.readers.json_lines import object_row
from embtune.data.readers.lines import encoding_fault
from embtune.data.readers.streams import read_whole
from embtune.data.row import Row, RowMaker, Rows, stop
from embtune.errors import Location

_SPACE = re.compile(r"[ \t\r\n]*")
_LINES = "write it as JSON Lines (.jsonl), which are read one by one"
_SHAPES = 'embtune reads an array of objects [{...}, ...], {"data": [{...}, ...]}, or JSON Lines'


def read_json_document(stream: BinaryIO, maker: RowMaker) -> Rows:
    """A row for each object of the document."""
    cursor = _Cursor(_decode(read_whole(stream, maker, _LINES), maker), maker)
    match cursor.peek():
        case "":
            return
        case "[":
            yield from _elements(cursor, maker)
            cursor.expect_end()
        case "{":
            yield from _objects(cursor, maker)
        case _:
            cursor.fail("expected '[' or '{'")


def _decode(raw: bytes, maker: RowMaker) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = encoding_fault(raw, error, 0, first=True)
        stop(fault.code, fault.message, Location(maker.path, raw.count(b"\n", 0, error.start) + 1), fault.hint)


def _elements(cursor: _Cursor, maker: RowMaker) -> Rows:
    """The elements of the array at the cursor."""
    cursor.take("[")
    if cursor.peek() == "]":
        cursor.take("]")
        return
    while True:
        cursor.skip_space()
        yield _row(cursor, maker)
        if cursor.peek() == "]":
            cursor.take("]")
            return
        cursor.take(",")


def _objects(cursor: _Cursor, maker: RowMaker) -> Rows:
    """Rows of {"data": [...]}, or objects one after the other: JSON Lines under the name .json."""
    start = cursor.position
    if cursor.find_member("data"):
        yield from _elements(cursor, maker)
        return
    cursor.position = start
    cursor.value()
    if not cursor.peek():
        stop("json-shape", "the file holds one object and no rows", Location(maker.path, 1), _SHAPES)
    cursor.position = start
    while cursor.peek():
        yield _row(cursor, maker)


def _row(cursor: _Cursor, maker: RowMaker) -> Row:
    """The row of the value at the cursor."""
    line, start = cursor.line(), cursor.position
    value = cursor.value()
    opened = sum(cursor.text.count(bracket, start, cursor.position) for bracket in "[{")
    return object_row(value, line, maker, opened)


class _Cursor:
    """A place in the text of a JSON document."""

    def __init__(self, text: str, maker: RowMaker) -> None:
        self.text = text
        self.position = 0
        self._maker = maker
        self._parse = json.JSONDecoder().raw_decode
        self._counted, self._line = 0, 1  # lines are counted once, on the way

    def skip_space(self) -> None:
        match = _SPACE.match(self.text, self.position)
        assert match is not None, "the pattern matches the empty text"
        self.position = match.end()

    def peek(self) -> str:
        """The next character that is no space; '' at the end."""
        self.skip_space()
        return self.text[self.position : self.position + 1]

    def take(self, character: str) -> None:
        if self.peek() != character:
            self.fail(f"expected {character!r}")
        self.position += 1

    def value(self) -> object:
        self.skip_space()
        try:
            value, self.position = self._parse(self.text, self.position)
        except json.JSONDecodeError as error:
            self.position = error.pos
            self.fail(error.msg)
        except (ValueError, RecursionError) as error:
            self.fail(str(error))
        return value

    def line(self) -> int:
        """The line (from 1) of the cursor."""
        if self.position < self._counted:
            self._counted, self._line = 0, 1
        self._line += self.text.count("\n", self._counted, self.position)
        self._counted = self.position
        return self._line

    def find_member(self, name: str) -> bool:
        """Go to the array that is the member `name` of the object at the cursor; False where there is none."""
        self.take("{")
        while self.peek() == '"':
            key = self.value()
            self.take(":")
            if key == name and self.peek() == "[":
                return True
            self.value()
            if self.peek() != ",":
                return False
            self.take(",")
        return False

    def expect_end(self) -> None:
        if self.peek():
            self.fail("expected the end of the file after the array")

    def fail(self, reason: str) -> NoReturn:
        column = self.position - self.text.rfind("\n", 0, self.position)
        stop("broken-json", f"this is no JSON: {reason}", Location(self._maker.path, self.line(), column), _SHAPES)

"""Plain text: one text a line, as column `text`."""

from __future__ import annotations

from typing import BinaryIO

from embtune.data.readers.lines import read_lines
from embtune.data.row import RowMaker, Rows


def read_plain_text(stream: BinaryIO, maker: RowMaker) -> Rows:
    """A row for each line that is not blank; the text is the line without its end."""
    for line in read_lines(stream):
        if line.fault:
            yield maker.bad(line.number, line.fault.code, line.fault.message, line.fault.hint, line.fault.column)
        elif not line.text.isspace():
            yield maker.good(line.number, {"text": line.text.removesuffix("\n").removesuffix("\r")})

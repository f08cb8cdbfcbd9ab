"""Datasets whose files cannot be read as what their names say."""

from __future__ import annotations

import gzip
import json

from wrong_data import Wrong, named

MNRL = "MultipleNegativesRankingLoss"
LINES = [json.dumps(row).encode() + b"\n" for row in named()]
WHOLE = b"".join(LINES)
LONG = b"".join(b'{"anchor": "question %d", "positive": "answer %d"}\n' % (i, i) for i in range(5000))

FILES = (
    Wrong("an empty file", MNRL, b"", "no-rows |  |  | written whole"),
    Wrong("a header without rows", MNRL, b"anchor,positive\n", "no-rows |  |  | written whole", file="rows.csv"),
    Wrong(
        "a line that is no JSON",
        MNRL,
        LINES[0] + b'{"anchor": "x"\n' + WHOLE,
        "bad-rows |  | 2 | one whole JSON object",
    ),
    Wrong("a line that is a list", MNRL, LINES[0] + b'["x", "y"]\n' + WHOLE, "bad-rows |  | 2 | on_bad_row: skip"),
    Wrong(
        "a JSON array in a file of lines", MNRL, json.dumps(named()).encode(), "not-an-object |  | 1 | ends in .json"
    ),
    Wrong(
        "a row with a cell too many",
        MNRL,
        b"anchor,positive\nq,a\nr,b,c\ns,d\n",
        "bad-rows | positive | 3 | stands in quotes",
        file="rows.csv",
    ),
    Wrong(
        "a quote that is never closed",
        MNRL,
        b'anchor,positive\nq,a\nr,"b\ns,d\n',
        "bad-rows |  | 3 | written twice",
        file="rows.csv",
    ),
    Wrong(
        "a column named twice",
        MNRL,
        b"anchor,anchor\nq,a\nr,b\n",
        "duplicate-column | anchor | 1 | a name of its own",
        file="rows.csv",
    ),
    Wrong(
        "Latin-1 where UTF-8 is meant",
        MNRL,
        LINES[0] + '{"anchor": "caf\xe9", "positive": "x"}\n'.encode("latin-1") + WHOLE,
        "bad-rows |  | 2 | iconv",
    ),
    Wrong("UTF-16 where UTF-8 is meant", MNRL, WHOLE.decode().encode("utf-16"), "wrong-encoding |  | 1 | iconv"),
    Wrong(
        "a compressed file that is cut off",
        MNRL,
        gzip.compress(LONG, mtime=0)[:-500],
        "truncated-file |  |  | again",
        file="rows.jsonl.gz",
    ),
    Wrong("a compressed file without its ending", MNRL, gzip.compress(WHOLE, mtime=0), "wrong-encoding |  | 1 | .gz"),
    Wrong("a spreadsheet", MNRL, b"PK\x03\x04", "unknown-extension |  |  | parquet", file="rows.xlsx"),
)

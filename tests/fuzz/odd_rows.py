"""Tables of odd rows: columns mostly of one kind each, with a cell of another here and there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

Row = Mapping[str, object]

NAMES = st.sampled_from([
    "anchor", "positive", "negative", "negatives", "negative_1", "negative_2", "text", "text_1", "text_2", "label",
    "score", "scores", "margin",
    "embedding", "sentence1", "sentence2", "sentence_A", "query", "passage_1", "passage_2", "damaged", "original",
    "id", "_id", "title",
    "Anchor ", "ANCHOR", "", " ", "\ufeffanchor", "a,b", 'a"b', "é", "data", "__index_level_0__",
])  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from([
        "a man eats", "dogs", "", " ", "\t", "NaN", "nan", "Infinity", "null", "None", "1", "0.5", "1e5", "True",
        '"', '""', "'", ",", "a\nb", "a\r\nb", "\r",
        "\0", "\x1a", "\ud800", "\U0010ffff", "\u2028", "\u200b", "\ufeff", "e\u0301" * 3, "\u202eabc", "=1+1",
        "[PAD]", "[MASK] [CLS]", "<s></s>", "a" * 3000,
        "word " * 2000, "𝄞" * 200, "-", "--set", "[1, 2]", "[0.1,0.2]", "{}", "0", "1.0", "-1", "2",
        "999999999999999999999",
    ]),
    st.text(max_size=12),
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 0.5, 1.0, 2, 2**31, 2**63, 2**64, 10**30, 10**400, 1e308, 1e-320, -0.0]),
    st.sampled_from([float("nan"), float("inf"), float("-inf")]),
    st.integers(-3, 5), st.floats(0, 1),
)  # fmt: skip
LISTS = st.one_of(
    st.lists(TEXTS, max_size=4), st.lists(NUMBERS, max_size=6),
    st.lists(st.lists(st.floats(-1, 1), min_size=2, max_size=2), max_size=3),
    st.integers(0, 3000).map(lambda count: [0.5] * count), st.integers(0, 1500).map(lambda count: ["x"] * count),
)  # fmt: skip
VALUES = st.one_of(
    TEXTS, TEXTS, TEXTS, NUMBERS, LISTS, st.none(), st.booleans(), st.dictionaries(NAMES, TEXTS, max_size=2)
)


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, object]]:
    """Rows that are mostly alike: each column of one kind, with some cells of any."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True) | st.sampled_from([
        ["anchor", "positive"], ["text", "label"], ["sentence1", "sentence2", "score"],
        ["anchor", "positive", "negative"], ["text"],
        ["anchor", "positive", "negatives"], ["query", "passage_1", "passage_2", "margin"],
        ["query", "positive", "negatives", "scores"],
        ["text", "embedding"], ["text_1", "text_2", "embedding"],
    ]))  # fmt: skip
    kinds = {name: _kind(draw, name) for name in names}
    rows: list[dict[str, object]] = []
    for _ in range(draw(st.sampled_from([0, 1, 2, 3, 5, 8]))):
        row = {name: draw(kinds[name] if draw(st.integers(0, 9)) else VALUES) for name in names}
        if not draw(st.integers(0, 9)):
            row.pop(draw(st.sampled_from(names)))
        rows.append(row)
    return rows


def _kind(draw: st.DrawFn, name: str) -> st.SearchStrategy[object]:
    if not draw(st.integers(0, 5)):
        return draw(st.sampled_from([TEXTS, NUMBERS, LISTS, VALUES, st.just(None)]))
    if name in ("label", "score", "margin"):
        return draw(
            st.sampled_from([st.integers(0, 2), st.floats(0, 1), st.sampled_from(["x", "y"]), st.booleans(), NUMBERS])
        )
    if name in ("scores", "embedding"):
        return st.lists(st.floats(-1, 1), min_size=2, max_size=2) | LISTS
    if name == "negatives":
        return st.lists(TEXTS, max_size=3)
    return st.sampled_from(["a man eats", "dogs run", "it rains", "the sun", "two words", "three more words"])


def json_lines(rows: Sequence[Row]) -> bytes:
    return b"".join(json_bytes(row) + b"\n" for row in rows)


def json_bytes(value: object) -> bytes:
    """JSON with all that Python writes into it: NaN, Infinity, lone surrogates, numbers of any length."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


ODD_LINES = st.sampled_from([
    b"", b" ", b"{}", b"[]", b"null", b"3", b'"x"', b"[" * 5000, b'{"a":' * 3000, b'{"text": "a"',
    b'{"text": "a"}{"text": "b"}', b'{"text": NaN}', b'{"text": "\\ud800"}',
    b'{"text": "\xed\xa0\x80"}', b'{"text": "caf\xe9"}', b"\xff\xfe", b"\xef\xbb\xbf{}",
    b'{"text": ' + b"9" * 6000 + b"}", b'{"label": 1e999, "text": "a"}',
    b'{"text": "a", "text": "b"}', b"{'text': 'a'}", b'{"": "a"}', b"\0", b'"unclosed', b'a,b,c\n"x', b'"a""b",c',
    b'"a"b,c', b"text,text", b"a\tb\tc", b"=cmd|' /C calc'!A0,x",
    b"x" * 70000, b"," * 20000, b'{"text": "' + b"x" * 70000 + b'"}', b"id,\r\r\n", b'{"data": [{"text": "a"}]}',
    b'[{"text": "a"}, {"text": "b"},]', b'[{"text": "a"} {"text": "b"}]',
    b'{"data": {"text": []}}', b"// comment", b"%PDF-1.4", b"PK\x03\x04", b"<html></html>", b"GIF89a",
    b"anchor,positive\na,b", b'{"anchor": "a", "positive": "b"}',
])  # fmt: skip

"""Folders in the BEIR layout whose parts do not quite belong together."""

from __future__ import annotations

from collections.abc import Sequence

from fuzz_case import Case
from hypothesis import strategies as st
from odd_rows import NUMBERS, ODD_LINES, TEXTS, json_lines

CONFIG = """
output_dir: out
model: {name_or_path: 'scratch:static?width=4&vocab=60'}
data: {%s: [{path: %s}], %s: [{path: sound.jsonl}]}
loss: %s
train: {max_steps: 1, batch_size: 2}
"""
SOUND = b'{"anchor": "a man", "positive": "a person"}\n{"anchor": "two dogs", "positive": "dogs"}\n'

_IDS = st.sampled_from(["q1", "q2", "d1", "d2", "", "é", "a b", "../x", "q1 "]) | TEXTS
_SCORES = st.sampled_from(["1", "0", "-1", "2", "0.5", "x", "", "1e400", "nan", "inf", "9" * 30])
_QRELS = st.lists(
    st.one_of(
        st.builds("{}\t{}\t{}".format, _IDS, _IDS, _SCORES),
        st.sampled_from(["", "query-id\tcorpus-id\tscore", "q1\td1\t1", "q1 0 d1 1", "q1\td1", "q1\t0\td1\t1", "\t\t"]),
    ), max_size=6,
).map("\n".join)  # fmt: skip


@st.composite
def retrieval_cases(draw: st.DrawFn) -> Case:
    """A folder in the BEIR layout, whose parts do not quite belong together, beside a config that evaluates on it."""

    def documents(ids: Sequence[object]) -> bytes:
        rows = [{"_id": key, "text": draw(TEXTS), "title": draw(st.none() | TEXTS)} for key in ids]
        return json_lines(rows) + (draw(ODD_LINES) if not draw(st.integers(0, 4)) else b"")

    odd: list[object] = draw(st.lists(_IDS | NUMBERS | st.none(), max_size=2))
    files: dict[str, bytes | None] = {
        "set/corpus.jsonl": documents(["d1", "d2", *odd]),
        "set/queries.jsonl": documents(["q1", *odd]),
        "set/qrels/dev.tsv": draw(_QRELS | st.just("q1\td1\t1")).encode("utf-8", "surrogatepass"),
        "sound.jsonl": SOUND,
        "c.yaml": (CONFIG % ("eval", "set", "train", "MultipleNegativesRankingLoss")).encode(),
    }
    if not draw(st.integers(0, 5)):
        files[draw(st.sampled_from(sorted(files)))] = draw(st.none() | st.binary(max_size=20))
    words = draw(
        st.sampled_from(
            [("check-format", "set"), ("check-format", "c.yaml"), ("train", "c.yaml"), ("train", "c.yaml", "--dry-run")]
        )
    )
    return Case(words, files)

"""Every dataset of the shared folder is understood with no declaration, or refused with the line to write."""

from __future__ import annotations

import gzip
import itertools
import json
import pathlib

import pytest

from embtune.catalog import LabelKind
from embtune.data.roles import detect_layout
from embtune.data.row import Row
from embtune.errors import ConfigError, Location

DATA = pathlib.Path(__file__).parents[2].parent / "shared" / "data"
PAIR = {"anchor": "anchor", "positive": "positive"}
SENTENCES = {"sentence_A": "sentence1", "sentence_B": "sentence2"}
NLI = {"sentence_A": "premise", "sentence_B": "hypothesis"}
TRIPLET = PAIR | {"negative": "negative"}
PARALLEL = {"anchor": "english", "positive": "non_english"}
TEXT = {"text": "text"}

EXPECTED: list[tuple[str, dict[str, str], str | None, LabelKind]] = [
    ("sts/stsb_en_*", SENTENCES, "score", LabelKind.SCORE),
    ("nli/*nli_*dev", NLI, "label", LabelKind.CLASS),
    ("nli/*nli_cad_train", NLI, "label", LabelKind.CLASS),
    ("nli/wiki_nli_train", NLI, "label", LabelKind.CLASS),
    ("nli/nli_triplets_*", TRIPLET, None, LabelKind.NONE),
    ("pairs/*", PAIR, None, LabelKind.NONE),
    ("pair_labels/*", SENTENCES, "label", LabelKind.BINARY),
    ("labels/*", TEXT, "label", LabelKind.CLASS),
    ("sentences/*", TEXT, None, LabelKind.NONE),
    ("parallel/tatoeba_*", PARALLEL, None, LabelKind.NONE),
    ("retrieval/*/corpus", TEXT, None, LabelKind.NONE),
    ("retrieval/*/queries", TEXT, None, LabelKind.NONE),
]
UNDECIDED = {
    "sts/stsb_multi_mt_*": "columns: {sentence_A: sentence1_en, sentence_B: sentence2_en, label: score}",
    "parallel/ntrex_*": "columns: {anchor: en, positive: de}",
}


def files(pattern: str) -> list[pathlib.Path]:
    found = sorted(
        path for path in DATA.glob(f"{pattern}.jsonl.gz") if "triplets" not in path.name or "triplets" in pattern
    )
    if not found:
        pytest.skip(f"shared data {pattern} is not here")
    return found


def first_rows(path: pathlib.Path, count: int = 1000) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [Row(json.loads(line), Location(path.name)) for line in itertools.islice(lines, count)]


@pytest.mark.parametrize(("pattern", "columns", "label_column", "label"), EXPECTED)
def test_datasets_are_understood(
    pattern: str, columns: dict[str, str], label_column: str | None, label: LabelKind
) -> None:
    for path in files(pattern):
        layout = detect_layout(first_rows(path))
        assert (layout.columns, layout.label_column, layout.label) == (columns, label_column, label), path.name


@pytest.mark.parametrize(("pattern", "line"), UNDECIDED.items())
def test_tables_of_many_languages_ask_for_a_declaration(pattern: str, line: str) -> None:
    for path in files(pattern):
        with pytest.raises(ConfigError) as caught:
            detect_layout(first_rows(path))
        assert line in str(caught.value), path.name

"""Conversions of real data, their counts beside those of slow loops. Skipped by name where the data is not there."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from conversion_cases import Values, converted, converted_folder, texts_of

from embtune.data.retrieval import load_retrieval

MOST_ROWS = 9000  # of a file: enough for all but the plain sentences
NLI_COLUMNS = {"sentence_A": "premise", "sentence_B": "hypothesis", "label": "label"}
PAIR_COLUMNS = {"sentence_A": "sentence1", "sentence_B": "sentence2", "label": "label"}
SCORE_COLUMNS = PAIR_COLUMNS | {"label": "score"}
CLASS_COLUMNS = {"text": "text", "label": "label"}


def alike_pairs(rows: list[Values], first: str, second: str, alike: Callable[[Values], bool]) -> set[tuple[str, str]]:
    return {(row[first], row[second]) for row in rows if alike(row) and row[first] != row[second]}


def expected_triplets(rows: list[Values], first: str, second: str, label: dict[object, int]) -> int:
    """Pairs labelled 1, whose texts have a partner labelled 0 that is not also labelled 1."""
    partners: dict[int, dict[str, set[str]]] = {0: defaultdict(set), 1: defaultdict(set)}
    for row in rows:
        if row["label"] in label:
            for one, other in ((row[first], row[second]), (row[second], row[first])):
                partners[label[row["label"]]][one].add(other)
    pairs = {frozenset(pair) for pair in alike_pairs(rows, first, second, lambda row: label.get(row["label"]) == 1)}
    return sum(any(partners[0][text] - partners[1][text] - {text} for text in pair) for pair in pairs)


def of_a_class(rows: list[Values]) -> int:
    sizes = Counter(label for _, label in {(row["text"], row["label"]) for row in rows})
    return sum(size for size in sizes.values() if size > 1)


NLI_LABELS: dict[object, int] = {"entailment": 1, "contradiction": 0}
TABLE: list[tuple[str, dict[str, str], str, dict[str, Any], Callable[[list[Values]], int], int]] = [
    ("labels/banking77_train", CLASS_COLUMNS, "pairs", {}, of_a_class, 8983),
    ("labels/banking77_train", CLASS_COLUMNS, "triplets", {"negatives": 2}, lambda rows: 2 * of_a_class(rows), 17966),
    ("nli/snli_cad_train", NLI_COLUMNS, "triplets", {},
     lambda rows: expected_triplets(rows, "premise", "hypothesis", NLI_LABELS), 2738),
    ("nli/snli_cad_train", NLI_COLUMNS, "pairs", {},
     lambda rows: len(alike_pairs(rows, "premise", "hypothesis", lambda row: row["label"] == "entailment")), 2749),
    ("sts/stsb_en_train", SCORE_COLUMNS, "binary", {"threshold": 0.7}, len, 2999),
    ("sts/stsb_en_train", SCORE_COLUMNS, "pairs", {"threshold": 0.7},
     lambda rows: len(alike_pairs(rows, "sentence1", "sentence2", lambda row: row["score"] >= 0.7)), 1042),
    ("pair_labels/paws_wiki_train", PAIR_COLUMNS, "pairs", {},
     lambda rows: len(alike_pairs(rows, "sentence1", "sentence2", lambda row: row["label"] == 1)), 3080),
    ("pair_labels/paws_wiki_train", PAIR_COLUMNS, "triplets", {},
     lambda rows: expected_triplets(rows, "sentence1", "sentence2", {1: 1, 0: 0}), 2498),
    ("sentences/medical_sentences", {"text": "text"}, "pairs", {}, len, 9000),
]  # fmt: skip


@pytest.mark.parametrize(("name", "columns", "to", "options", "expected", "count"), TABLE)
def test_real_data_gives_what_a_slow_loop_counts(
    shared_data: Path,
    name: str,
    columns: dict[str, str],
    to: str,
    options: dict[str, Any],
    expected: Callable[[list[Values]], int],
    count: int,
) -> None:
    rows = read(shared_data / f"{name}.jsonl.gz")
    found, tally = converted(rows, to, columns=columns, **options)
    assert len(found) == tally.made == expected(rows) == count
    used = set(columns.values()) - {columns.get("label")}
    assert texts_of(found) <= texts_of([{name: row[name] for name in used} for row in rows])


def test_medical_sentences_are_damaged_but_for_those_of_a_word_or_two(shared_data: Path) -> None:
    rows = read(shared_data / "sentences" / "medical_sentences.jsonl.gz")[:2000]
    found, tally = converted(rows, "damaged")
    lost = sum(len(row["damaged"].split()) for row in found) / sum(len(row["original"].split()) for row in found)
    assert 1990 < len(found) <= 2000
    assert tally.rows == 2000
    assert 0.35 < lost < 0.45  # 60 % of the words are deleted


def test_a_retrieval_folder_gives_a_pair_for_each_judgement(shared_data: Path) -> None:
    folder = shared_data / "retrieval" / "medquad_dev"
    judgements = (folder / "qrels" / "dev.tsv").read_text().splitlines()[1:]
    data = load_retrieval(folder)
    assert len(converted_folder(data, "pairs")) == len(judgements) == 1505
    answers: dict[str, set[str]] = defaultdict(set)
    for line in judgements:
        query, document, _ = line.split("\t")
        answers[data.queries[query]].add(data.corpus[document])
    tuples = converted_folder(data, "n-tuples", negatives=3)
    assert len(tuples) == 1505
    assert not any(row[f"negative_{i}"] in answers[row["anchor"]] for row in tuples for i in (1, 2, 3))


def read(path: Path) -> list[Values]:
    if not path.is_file():
        pytest.skip(f"needs {path.name} in ../shared/data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in islice(lines, MOST_ROWS)]

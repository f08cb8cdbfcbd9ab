"""Draw the small data sets of configs/data from the full ones in ../shared/data.

    .venv/bin/python scripts/make_sample.py [--source ../shared/data] [--to configs/data]

The draw is seeded and the gzip headers carry no time: the same sources give the same bytes. Only rows under a licence
that allows passing them on are taken; configs/data/NOTICE.md says which, whence, and what was changed.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
from collections.abc import Iterable
from pathlib import Path

SEED = 42
TRAINING_PAIRS = 2_000
HELD_BACK_QUERIES = 600  # evaluating takes seconds on two cores
REPOSITORY = Path(__file__).parents[1]

Row = dict[str, object]


def read_rows(path: Path) -> list[Row]:
    """The rows of a .jsonl.gz file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_rows(path: Path, rows: Iterable[Row], columns: tuple[str, ...]) -> None:
    """Write `columns` of `rows` as .jsonl.gz, the same bytes each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        text = io.TextIOWrapper(packed, encoding="utf-8", newline="\n")
        for row in rows:
            text.write(json.dumps({column: row[column] for column in columns}, ensure_ascii=False) + "\n")
        text.flush()
    print(f"{path}: {path.stat().st_size // 1024} KB")


def draw(rows: list[Row], count: int) -> list[Row]:
    """`count` of the rows, drawn at random, in their old order."""
    chosen = random.Random(SEED).sample(range(len(rows)), count)
    return [rows[index] for index in sorted(chosen)]


def sample_pairs(source: Path, target: Path) -> None:
    """Question and answer; `qid` names the document of the original collection that each comes from."""
    rows = draw(read_rows(source / "pairs" / "medquad_train.jsonl.gz"), TRAINING_PAIRS)
    write_rows(target / "medquad_train.jsonl.gz", rows, ("anchor", "positive", "qid"))


def sample_retrieval(source: Path, target: Path) -> None:
    """Held-back questions, all about one topic together, with every answer to them as the corpus."""
    folder, out = source / "retrieval" / "medquad_dev", target / "medquad_dev"
    queries = read_rows(folder / "queries.jsonl.gz")
    header, *lines = (folder / "qrels" / "dev.tsv").read_text(encoding="utf-8").splitlines()
    kept = whole_topics([str(query["_id"]) for query in queries], HELD_BACK_QUERIES)
    judged = [line for line in lines if line.split("\t")[0] in kept]
    documents = {line.split("\t")[1] for line in judged}
    write_rows(out / "queries.jsonl.gz", (row for row in queries if row["_id"] in kept), ("_id", "text"))
    corpus = (row for row in read_rows(folder / "corpus.jsonl.gz") if row["_id"] in documents)
    write_rows(out / "corpus.jsonl.gz", corpus, ("_id", "title", "text"))
    qrels = out / "qrels" / "dev.tsv"
    qrels.parent.mkdir(exist_ok=True)
    qrels.write_text("\n".join([header, *judged]) + "\n", encoding="utf-8", newline="\n")


def whole_topics(query_ids: list[str], count: int) -> set[str]:
    """At least `count` query ids, topic by topic in random order: questions on one topic make each other hard."""
    topics: dict[str, list[str]] = {}
    for query_id in query_ids:
        topics.setdefault(query_id.rsplit("-", 1)[0], []).append(query_id)
    order = sorted(topics)
    random.Random(SEED).shuffle(order)
    kept: set[str] = set()
    for topic in order:
        if len(kept) >= count:
            break
        kept.update(topics[topic])
    return kept


def main() -> None:
    """Write all samples."""
    parser = argparse.ArgumentParser(description="Draw the small data sets of configs/data from the full ones.")
    parser.add_argument("--source", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--to", type=Path, default=REPOSITORY / "configs" / "data")
    arguments = parser.parse_args()
    for sample in (sample_pairs, sample_retrieval):
        sample(arguments.source, arguments.to)


if __name__ == "__main__":
    main()

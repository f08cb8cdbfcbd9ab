"""Draw the small data sets that configs/losses train on, one for each format, from the full ones in ../shared/data.

    .venv/bin/python scripts/make_loss_samples.py [--source ../shared/data] [--to configs/data/formats]

The draw is seeded: the same sources give the same bytes. Only rows under a licence that allows passing them on are
taken; configs/data/NOTICE.md says which, whence, and what was changed.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from make_sample import REPOSITORY, SEED, Row, draw, read_rows, write_rows

SHARE_ALIKE = "CC BY-SA (captions)"  # the other part of the STS benchmark may not be passed on
CLASSES, PER_CLASS, PER_CLASS_DEV = 16, 30, 8
ANSWER_WORDS = 60
NEGATIVES = 3


def texts_with_a_class(source: Path, target: Path) -> None:
    """banking77: some of its intents."""
    train = read_rows(source / "labels" / "banking77_train.jsonl.gz")
    classes = random.Random(SEED).sample(sorted({str(row["label"]) for row in train}), CLASSES)
    for part, count in (("train", PER_CLASS), ("dev", PER_CLASS_DEV)):
        rows = read_rows(source / "labels" / f"banking77_{part}.jsonl.gz")
        kept = [row for name in classes for row in [row for row in rows if row["label"] == name][:count]]
        write_rows(target / f"banking77_{part}.jsonl.gz", kept, ("text", "label"))


def pairs(source: Path, target: Path) -> None:
    """Pairs that are the same question or not, with a relation, with a score, and translated."""
    for folder, name, columns, counts in (
        ("pair_labels", "rqe", ("sentence1", "sentence2", "label"), (600, 200)),
        ("nli", "snli_cad", ("premise", "hypothesis", "label"), (1200, 300)),
        ("parallel", "tatoeba_en_de", ("english", "non_english"), (2000, 300)),
    ):
        for part, count in zip(("train", "dev"), counts, strict=True):
            rows = draw(read_rows(source / folder / f"{name}_{part}.jsonl.gz"), count)
            write_rows(target / f"{name}_{part}.jsonl.gz", rows, columns)
    for part, count in (("train", 800), ("dev", 200)):
        rows = read_rows(source / "sts" / f"stsb_en_{part}.jsonl.gz")
        rows = draw([row for row in rows if row["text_licence"] == SHARE_ALIKE], count)
        write_rows(target / f"stsb_captions_{part}.jsonl.gz", rows, ("sentence1", "sentence2", "score"))


def plain_texts(source: Path, target: Path) -> None:
    """Sentences, and some of them beside a copy that lacks three words in five."""
    rows = draw(read_rows(source / "sentences" / "medical_sentences.jsonl.gz"), 2500)
    write_rows(target / "medical_sentences.jsonl.gz", rows, ("text",))
    rng = random.Random(SEED)
    damaged: list[Row] = [
        {"original": row["text"], "damaged": without_words(str(row["text"]), rng)} for row in rows[:500]
    ]
    write_rows(target / "medical_damaged.jsonl.gz", damaged, ("damaged", "original"))


def without_words(text: str, rng: random.Random) -> str:
    """The text with each word kept at a chance of 0.4, at least one of them."""
    words = text.split()
    return " ".join([word for word in words if rng.random() < 0.4] or [rng.choice(words)])


def tuples(source: Path, target: Path) -> None:
    """Questions with their answer and answers to other questions of the same kind, with a teacher's scores.

    The score of an answer is the share of the question's longer words that stand in it, which any teacher would beat
    and everybody can count again.
    """
    rows = draw(read_rows(source / "pairs" / "medquad_train.jsonl.gz"), 600)
    rng = random.Random(SEED)
    made = [tuple_of(row, rows, rng) for row in rows]
    names = tuple(f"negative_{number}" for number in range(1, NEGATIVES + 1))
    write_rows(target / "medquad_triplets.jsonl.gz", made, ("anchor", "positive", "negative", "margin"))
    write_rows(target / "medquad_tuples.jsonl.gz", made, ("anchor", "positive", *names, "scores"))


def tuple_of(row: Row, rows: list[Row], rng: random.Random) -> Row:
    """One question with its answer, its negatives, and scores."""
    alike = [other for other in rows if other["qtype"] == row["qtype"] and other["focus"] != row["focus"]]
    others = rng.sample(alike if len(alike) >= NEGATIVES else [other for other in rows if other is not row], NEGATIVES)
    texts = [beginning(each) for each in (row, *others)]
    scores = [shared_words(str(row["anchor"]), text) for text in texts]
    made: Row = {f"negative_{number}": text for number, text in enumerate(texts[1:], start=1)}
    made |= {"anchor": row["anchor"], "positive": texts[0], "negative": texts[1]}
    return made | {"margin": round(scores[0] - scores[1], 4), "scores": scores}


def beginning(row: Row) -> str:
    """The first words of an answer."""
    return " ".join(str(row["positive"]).split()[:ANSWER_WORDS])


def shared_words(question: str, answer: str) -> float:
    """The share of the question's words of more than four letters that the answer has, 0 to 1."""
    wanted = {word.strip("?,.()").lower() for word in question.split() if len(word) > 4}
    there = {word.strip("?,.();:").lower() for word in answer.split()}
    return round(len(wanted & there) / max(1, len(wanted)), 4)


def main() -> None:
    """Write all samples."""
    parser = argparse.ArgumentParser(description="Draw the data sets of configs/losses from the full ones.")
    parser.add_argument("--source", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--to", type=Path, default=REPOSITORY / "configs" / "data" / "formats")
    arguments = parser.parse_args()
    for sample in (texts_with_a_class, pairs, plain_texts, tuples):
        sample(arguments.source, arguments.to)


if __name__ == "__main__":
    main()

"""Sentence Transformers' `mine_hard_negatives` in a process of its own: PAIRS OUT MODEL NEGATIVES LAST_RANK."""

from __future__ import annotations

import sys
from pathlib import Path

from datasets import Dataset
from mining_task import write_lines
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import mine_hard_negatives


def main(pairs: str, out: str, model: str, negatives: str, last_rank: str) -> None:
    """Mine triplets with everything else at its default, and write them as JSON Lines."""
    found = mine_hard_negatives(
        Dataset.from_json(pairs),
        SentenceTransformer(model),
        anchor_column_name="anchor",
        positive_column_name="positive",
        num_negatives=int(negatives),
        range_max=int(last_rank),
        verbose=False,
    )
    write_lines(Path(out), list(found))


if __name__ == "__main__":
    main(*sys.argv[1:])

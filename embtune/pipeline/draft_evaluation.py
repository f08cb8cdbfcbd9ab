"""What a drafted config evaluates on: a set beside the training rows, or rows that are held out of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from embtune.catalog import LossSpec, Need
from embtune.config.words import EvaluatorName
from embtune.data.columns import folded
from embtune.data.examples import Examples
from embtune.data.retrieval import RetrievalSet
from embtune.data.split import SPLIT_SEED, hold_out
from embtune.errors import ConfigError, DataError
from embtune.evaluate.choose import evaluator_for
from embtune.evaluate.evaluator import Evaluator
from embtune.losses.pair_head import PairHead
from embtune.pipeline.draft_rows import Seen

_MOST_HELD, _SHARE_HELD = 500, 10  # rows; one in so many
_FEWEST_HELD = 2
_LANGUAGE = re.compile(
    "[a-z]{2}|src|tgt|source|target|translation|(non)?english|german|french|spanish|italian|portuguese|dutch|polish|"
    "russian|turkish|arabic|hindi|chinese|japanese|korean"
)


@dataclass(frozen=True)
class Judged:
    """How a dataset would be evaluated. rows: held out for it, where it is for training. why_not: if it cannot be."""

    evaluator: Evaluator | None
    rows: int = 0
    why_not: str = ""

    def __str__(self) -> str:
        """What is measured, in words."""
        if self.evaluator is None:
            return f"no evaluation: {self.why_not}"
        return f"{self.evaluator.word}; {self.evaluator.primary} chooses the model"


def judge_held_out(seen: Seen, spec: LossSpec) -> Judged:
    """How many rows can be held out, and what would be measured on them; no row where nothing could be.

    Args:
        spec: the loss the other rows are trained with.
    """
    rows = min(_MOST_HELD, len(seen.examples) // _SHARE_HELD)
    if rows < _FEWEST_HELD:
        return Judged(None, 0, f"{len(seen.examples):,} rows are too few")
    try:
        _, held = hold_out(seen.examples, rows, SPLIT_SEED, seen.name)
    except ConfigError as error:
        return Judged(None, 0, error.problems[0].message)
    judged = judge(held, seen, spec)
    return Judged(judged.evaluator, rows if judged.evaluator else 0, judged.why_not)


def judge(data: Examples | RetrievalSet, seen: Seen | None = None, spec: LossSpec | None = None) -> Judged:
    """What would be measured on a set.

    Args:
        seen: where its columns are from; None for a retrieval set.
        spec: the loss that is trained on such rows, if it has a head that names their classes.
    """
    heads: dict[int, PairHead] | None = {} if spec is not None and Need.NUM_LABELS in spec.needs else None
    asked = (EvaluatorName.TRANSLATION,) if seen is not None and is_parallel(seen) else ()
    try:
        return Judged(evaluator_for(data, asked=asked, heads=heads))
    except (ConfigError, DataError) as error:
        return Judged(None, 0, error.problems[0].message)


def is_parallel(seen: Seen) -> bool:
    """Whether two columns are called as languages are: then each text is the translation of the other."""
    columns = list(seen.layout.columns.values())
    return len(columns) == 2 and all(_LANGUAGE.fullmatch(folded(column)) for column in columns)

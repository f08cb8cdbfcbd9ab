"""From what was found to the decisions of a drafted config: for rows to train on, and for a set that only judges."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from embtune.catalog import LabelKind, LossSpec, installed
from embtune.config.parsing import is_writable
from embtune.data.layout import Layout
from embtune.data.readers.hub import parse_hub_id
from embtune.data.retrieval import is_retrieval_folder, load_retrieval
from embtune.pipeline.collecting import located_at
from embtune.pipeline.draft_config import Draft, DraftSet
from embtune.pipeline.draft_evaluation import Judged, judge, judge_held_out
from embtune.pipeline.draft_loss import choose_loss
from embtune.pipeline.draft_model import ModelSeen
from embtune.pipeline.draft_rows import Seen, read_seen
from embtune.pipeline.draft_settings import optimisation
from embtune.pipeline.text_lengths import lengths_by_role, texts_by_role

TEACHER = "sentence-transformers/all-MiniLM-L6-v2"
_PAIRS = Layout({"anchor": "anchor", "positive": "positive"}, None, LabelKind.NONE, ())
_ROWS_TO_COME = 10_000  # of a training set that is not there yet


def draft_for_rows(seen: Seen, eval_path: str | None, model: ModelSeen, folder: Path) -> Draft:
    """The draft for rows to train on.

    Args:
        eval_path: a set beside them to evaluate on; None holds rows out.
        folder: where the config will be.

    Raises:
        ConfigError, DataError: no loss takes the rows, or the set beside them cannot be read.
    """
    with located_at(seen.path):
        loss = choose_loss(seen.layout, installed(), TEACHER)
    if eval_path is None:
        eval_set, judged = None, judge_held_out(seen, loss.spec)
    else:
        eval_set, judged = _set_beside(eval_path, loss.spec, folder)
    return Draft(
        model=model,
        lengths=lengths_by_role(texts_by_role(seen.examples), model.tokenizer),
        train_set=_draft_set(seen, folder, seen.layout.notes),
        eval_set=eval_set,
        judged=judged,
        rows=len(seen.examples),
        bad_rows=seen.examples.rows_skipped,
        loss=loss,
        layout=seen.layout,
        catalogue=installed(),
        optimisation=optimisation(len(seen.examples) - judged.rows, loss.spec),
    )


def draft_for_judging(path: str, model: ModelSeen, folder: Path) -> Draft:
    """The draft for a retrieval set: it is evaluated on, and the rows to train on are left to be filled in.

    Raises:
        ConfigError, DataError: it cannot be read.
    """
    eval_set, judged, texts = _retrieval(path, folder)
    loss = choose_loss(_PAIRS, installed(), TEACHER)
    missing = f"TO FILL IN: {path} has nothing to train on; name the rows for that here, and their columns below"
    return Draft(
        model=model,
        lengths=lengths_by_role(texts, model.tokenizer),
        train_set=DraftSet("train", "train.jsonl", _PAIRS.columns, (missing,)),
        eval_set=eval_set,
        judged=judged,
        rows=0,
        bad_rows=0,
        loss=loss,
        layout=_PAIRS,
        catalogue=installed(),
        optimisation=optimisation(_ROWS_TO_COME, loss.spec),
    )


def _set_beside(path: str, spec: LossSpec, folder: Path) -> tuple[DraftSet, Judged]:
    """A set to evaluate on that was found beside the one to train on."""
    if is_retrieval_folder(path):
        return _retrieval(path, folder)[:2]
    seen = read_seen(path, (spec,))
    return _draft_set(seen, folder), judge(seen.examples, seen, spec)


def _retrieval(path: str, folder: Path) -> tuple[DraftSet, Judged, Mapping[str, Sequence[str]]]:
    """A retrieval set, and the texts of its roles."""
    with located_at(path):
        data = load_retrieval(path)
    found = f"{len(data.queries):,} queries, {len(data.corpus):,} documents"
    texts = {"query": list(data.queries.values()), "document": list(data.corpus.values())}
    return DraftSet(data.name, written_path(path, folder), None, (found,)), judge(data), texts


def _draft_set(seen: Seen, folder: Path, notes: Sequence[str] = ()) -> DraftSet:
    reasons = ("; ".join(seen.layout.reasons), *notes)
    columns = seen.columns if all(map(is_writable, seen.columns.values())) else None  # found again by themselves
    return DraftSet(seen.name, written_path(seen.path, folder), columns, (seen.rows,), reasons)


def written_path(path: str, folder: Path) -> str:
    """A path as a config in `folder` names it; a hub id, or a path from the root on, is left as it is."""
    is_hub = parse_hub_id(path) is not None and not os.path.exists(path)
    if is_hub or os.path.isabs(path) or path.startswith("~"):
        return path
    return os.path.relpath(path, folder)

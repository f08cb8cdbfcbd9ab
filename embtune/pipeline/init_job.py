"""`embtune init`: from data to a commented config that validates and trains."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embtune.config import load_config
from embtune.config.annotated import annotated_yaml
from embtune.errors import UsageError
from embtune.files import write_beside
from embtune.pipeline.draft_config import Draft, entries
from embtune.pipeline.draft_making import draft_for_judging, draft_for_rows
from embtune.pipeline.draft_model import look_at_model
from embtune.pipeline.draft_rows import find_places, read_seen

_TO_BE_NAMED = "config.yaml"  # of a config that is printed


@dataclass(frozen=True)
class Written:
    """A drafted config: its text, and what a person should know of it, a sentence each."""

    text: str
    notes: tuple[str, ...]


def draft_config(data: str, model: str, out: Path | None) -> Written:
    """The config for some data.

    Args:
        data: a file, pattern, folder or hub id; a folder may hold a set for training beside one for evaluation.
        model: to be fine-tuned.
        out: where it will be written, from whose folder on its paths are; None is the working directory.

    Raises:
        EmbtuneError: there is no such data or model, the roles of its columns cannot be told, or no loss takes it.
    """
    if out is not None:
        _check_new(out)
    places, seen_model = find_places(data), look_at_model(model)
    folder = out.parent if out else Path()
    if places.train is not None:
        made = draft_for_rows(read_seen(places.train), places.eval, seen_model, folder)
    else:
        assert places.eval is not None, "data that is not to train on is to evaluate on"
        made = draft_for_judging(places.eval, seen_model, folder)
    notes = tuple(_notes(made))
    text = annotated_yaml(entries(made), _head(made, str(out) if out else _TO_BE_NAMED))
    load_config("-", stdin=io.StringIO(text))  # what is written validates, whatever the columns are called
    return Written(text, notes)


def write_new(text: str, out: Path) -> None:
    """Write a config where there is none.

    Raises:
        UsageError: there is one, or no such folder. RunError: the disk is full, or not to be written to.
    """
    _check_new(out)
    write_beside(out, text)


def _check_new(out: Path) -> None:
    if out.exists():
        hint = "name another file, or remove that one first; without -o the config is printed"
        raise UsageError.of("file-exists", f"{out} is there already, and is not overwritten", hint)
    if not out.parent.is_dir():
        raise UsageError.of("missing-folder", f"no such folder: {out.parent}", "make it first")


def _head(draft: Draft, name: str) -> Iterator[str]:
    """What the config is and the commands to use it by."""
    texts = f"{draft.layout}" if draft.rows else "rows to be named below"
    yield f"Fine-tunes {draft.model.name} on {draft.train_set.name}: {texts}."
    yield ""
    commands = {
        f"embtune validate {name}": "checks this file alone",
        f"embtune train {name} --dry-run": "checks everything, plans the run and does two steps",
        f"embtune train {name}": f"is the run, in about {draft.optimisation.steps:,} steps",
        f"embtune validate {name} --show-origins": "lists all keys, those left to their defaults too",
    }
    width = max(map(len, commands))
    yield from (f"  {command:<{width}}   {does}" for command, does in commands.items())


def _notes(draft: Draft) -> Iterator[str]:
    """What was decided, in short."""
    if not draft.rows:
        yield "there is nothing to train on yet: name the rows in the config, under data.train"
    yield f"{draft.train_set.name}: {draft.layout}; {draft.loss.spec.name}"
    if draft.bad_rows:
        yield f"{draft.bad_rows:,} rows cannot be used; the config leaves them out"
    held = f"{draft.judged.rows:,} rows are held out; " if draft.judged.rows else ""
    yield f"evaluation: {held}{draft.judged}"

"""A step whose loss or gradient is not finite, for people: what happened, and the rows of it written out."""

from __future__ import annotations

import json
from collections.abc import Iterator

from embtune.data.examples import Examples
from embtune.pipeline.job import Job
from embtune.train.loop import BadStep


def rows_of(job: Job, bad: BadStep) -> str:
    """The step's rows as JSON Lines: where each stands, its texts by role, its label as the loss sees it."""
    (examples,) = (each.examples for each in job.inputs.train_sets if each.examples.name == bad.dataset)
    return "".join(json.dumps(dict(_row(examples, row)), ensure_ascii=False) + "\n" for row in bad.rows)


def _row(examples: Examples, row: int) -> Iterator[tuple[str, object]]:
    yield "place", str(examples.location(row))
    for role in examples.roles:
        text = examples.text(row, role)
        if text is not None:
            yield role, text
    if examples.labels is not None:
        yield "label", examples.labels[row].tolist()


def told(bad: BadStep, place: str, stops: bool) -> str:
    """What a person should know. place: of the rows, in the run's directory. stops: the run, at this step."""
    then = "" if stops else "; it was skipped, and so will others be, of which nothing more is said"
    return f"step {bad.step}: the {bad.what} is not finite{then}. Its {len(bad.rows)} rows are in {place}"

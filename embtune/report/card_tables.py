"""The tables of a model card: the data with samples, and the scores before and after at every width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embtune.report.gains import Gain
from embtune.report.markdown import escaped, shortened, table
from embtune.report.record import DataRecord

SAMPLES = 3  # rows of each dataset that a card shows
_SHOWN = 160  # characters of a text
_USES = {"train": "training", "eval": "evaluation"}


@dataclass(frozen=True)
class DataCard:
    """A dataset, what it is called as a format, and a few of its rows: role -> text, in order, the label last."""

    record: DataRecord
    format: str
    samples: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class ScoreCard:
    """The metrics of one dataset.

    widths: of the embeddings, the full one first.
    rows: metric -> a gain for each width, in their order.
    """

    dataset: str
    widths: tuple[int, ...]
    rows: Mapping[str, Sequence[Gain]]


def train_rows(data: Sequence[DataCard]) -> int:
    """Rows of all training sets."""
    return sum(each.record.rows for each in data if each.record.split == "train")


def data_section(data: Sequence[DataCard]) -> str:
    """A table of all datasets, then samples of each."""
    rows = [
        (escaped(each.record.name), _USES[each.record.split], each.format, f"{each.record.rows:,}") for each in data
    ]
    parts = [table(("dataset", "used for", "format", "rows"), rows, numbers=1)]
    return "\n\n".join([*parts, *(_samples(each) for each in data if each.samples)])


def _samples(data: DataCard) -> str:
    roles = list(dict.fromkeys(role for row in data.samples for role in row))
    rows = [[escaped(shortened(row.get(role, ""), _SHOWN)) for role in roles] for row in data.samples]
    title = f"First rows of {escaped(data.record.name)} ({_USES[data.record.split]}):"
    return f"{title}\n\n{table([escaped(role) for role in roles], rows)}"


def scores_section(scores: Sequence[ScoreCard]) -> str:
    """Each dataset's metrics, before and after training; with several widths a column a width."""
    parts = [_scores(each) for each in scores if each.rows]
    return "\n\n".join(parts)


def _scores(scores: ScoreCard) -> str:
    title = f"On {escaped(scores.dataset)}, before and after training"
    if len(scores.widths) == 1:
        rows = [
            (escaped(metric), f"{each.before:.4f}", f"{each.after:.4f}", f"{each.gain:+.4f}")
            for metric, (each,) in scores.rows.items()
        ]
        return f"{title}:\n\n{table(('metric', 'before', 'after', 'gain'), rows, numbers=3)}"
    header = ["metric", *(f"{width} dims" for width in scores.widths)]
    cells = [
        [escaped(metric), *(f"{each.before:.4f} → {each.after:.4f}" for each in gains)]
        for metric, gains in scores.rows.items()
    ]
    told = f"{title}, with embeddings cut to fewer dimensions and brought to length 1 again:"
    return f"{told}\n\n{table(header, cells, numbers=len(scores.widths))}"

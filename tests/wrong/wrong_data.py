"""What a wrong dataset is: its rows, the loss it was meant for, and what a person has to be told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

Cells = Mapping[str, object]


@dataclass(frozen=True)
class Wrong:
    """A training set that must never reach the first step.

    what: what is wrong, for the table.
    loss: the loss it was meant for.
    rows: as JSON Lines, or the whole content of a file.
    told: "code | column | line | remedy": the problem's code, the column that it names, the line at which it stands
        (empty where all of the file is meant) and words of what to do.
    file: its name. columns: declared roles. eval_rows: of an evaluation set beside it.
    """

    what: str
    loss: object
    rows: Sequence[Cells] | bytes
    told: str
    file: str = "rows.jsonl"
    columns: Mapping[str, str] | None = None
    eval_rows: Sequence[Cells] = field(default=())

    def write(self, folder: Path) -> Path:
        """Its files and a config that trains on it; the config's path."""
        write_content(folder / self.file, self.rows)
        train: dict[str, object] = {"path": self.file} | ({"columns": dict(self.columns)} if self.columns else {})
        data: dict[str, object] = {"train": [train]}
        if self.eval_rows:
            write_content(folder / "dev.jsonl", self.eval_rows)
            data["eval"] = [{"path": "dev.jsonl"}]
        return write_run(folder, data, self.loss)


def write_content(path: Path, rows: Sequence[Cells] | bytes) -> None:
    """Rows as JSON Lines, or bytes as they are."""
    lines = rows if isinstance(rows, bytes) else "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(lines)


def write_run(folder: Path, data: Cells, loss: object) -> Path:
    """A config of a run that reads no weights from anywhere."""
    config = {
        "version": 1,
        "output_dir": str(folder / "run"),
        "model": {"name_or_path": "scratch:static?width=16"},
        "data": data,
        "loss": loss,
        "train": {"max_steps": 2, "batch_size": 4},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def texts(word: str, count: int = 8) -> list[object]:
    """Distinct texts that begin with the same word."""
    return [f"{word} number {i} of a few" for i in range(count)]


def table(**columns: Sequence[object]) -> list[dict[str, object]]:
    """Rows of columns; `a` and `b` are texts where they are not given."""
    whole = {"a": texts("rivers"), "b": texts("answers")} | columns
    kept = {name: cells for name, cells in whole.items() if cells}
    return [dict(zip(kept, cells, strict=True)) for cells in zip(*kept.values(), strict=True)]


def named(**columns: Sequence[object]) -> list[dict[str, object]]:
    """Rows of anchor and positive, and of other columns."""
    return table(a=[], b=[], **({"anchor": texts("rivers"), "positive": texts("answers")} | columns))


def pair(**columns: Sequence[object]) -> list[dict[str, object]]:
    """Rows of sentence1 and sentence2, and of other columns."""
    return table(a=[], b=[], **({"sentence1": texts("rivers"), "sentence2": texts("answers")} | columns))


def spoiled(rows: Sequence[Cells], row: int, **cells: object) -> list[dict[str, object]]:
    """The rows with some cells of one of them (from 0) changed."""
    return [{**values, **(cells if number == row else {})} for number, values in enumerate(rows)]

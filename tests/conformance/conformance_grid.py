"""The grid: every loss of the catalogue, on rows of each of its formats, under every modifier, in every kind of model.

Each cell is a run that the pipeline prepares from a config and a data file, as `embtune train` would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import yaml
from conformance_rows import WIDTH, Form, forms_of, write_rows

from embtune.catalog import LossSpec, all_specs, effective_spec, find_spec
from embtune.catalog.parameter_docs import parameter_docs
from embtune.catalog.registry import losses
from embtune.catalog.spec import Need
from embtune.config.checks import LATER

MODELS = {
    "transformer": f"scratch:transformer?layers=2&width={WIDTH}&heads=2&vocab=200&length=64",
    "static": f"scratch:static?width={WIDTH}&vocab=200",
}
DIMS = (WIDTH, 4)
# all dims in each step, so that the head of each learns; one inner layer, drawn
MODIFIERS: dict[str, dict[str, object]] = {
    "none": {},
    "MatryoshkaLoss": {"dims": DIMS},
    "AdaptiveLayerLoss": {},
    "Matryoshka2dLoss": {"dims": DIMS, "n_dims_per_step": -1},
}
LORA = {"r": 2, "alpha": 4.0, "dropout": 0.1}
LORA_IS_HERE = ("model", "lora") not in {row.path for row in LATER}
BATCH = 12


@dataclass(frozen=True)
class Cell:
    """One loss on rows of one form, under one modifier, in one kind of model. teacher: it gives the labels."""

    loss: LossSpec
    form: Form
    modifier: str
    model: str
    lora: bool = False
    teacher: bool = False

    @property
    def refused(self) -> bool:
        """A static model has no layers to train."""
        needs = frozenset[Need]() if self.modifier == "none" else effective_spec(find_spec(self.modifier)).needs
        return self.model == "static" and Need.LAYERS in needs

    @property
    def rows(self) -> str:
        """The loss and what its rows hold."""
        return f"{self.loss.name} [{self.form}]{' with a teacher' if self.teacher else ''}"

    def __str__(self) -> str:
        """The cell in one line."""
        return f"{self.rows} | {self.modifier} | {self.model} | {'lora' if self.lora else 'full'}"


def all_cells() -> Iterator[Cell]:
    """The whole grid, loss by loss."""
    for spec in losses():
        taught = [(form, True) for format in spec.taught_formats for form in forms_of(format)]
        given = [(form, False) for format in spec.formats for form in forms_of(format)]
        weights = (False, True) if LORA_IS_HERE else (False,)
        for (form, teacher), modifier, model, lora in product([*given, *taught], MODIFIERS, MODELS, weights):
            yield Cell(spec, form, modifier, model, lora, teacher)


def sample_cells() -> Iterator[Cell]:
    """A few cells of each loss: each form once, and each modifier, model and kind of weights somewhere."""
    by_rows: dict[str, list[Cell]] = {}
    for cell in all_cells():
        if not cell.refused:
            by_rows.setdefault(cell.rows, []).append(cell)
    for number, cells in enumerate(by_rows.values()):
        yield cells[number % len(cells)]


def modifiers_of_the_catalogue() -> set[str]:
    """Names of all modifiers there are."""
    return {spec.name for spec in all_specs() if spec.is_modifier}


def write_config(cell: Cell, folder: Path, guide: Path) -> Path:
    """The cell's config and data, in `folder`; `guide` is a small model for losses that want another one."""
    write_rows(folder / "rows.jsonl", cell.form)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(_config(cell, guide)), encoding="utf-8")
    return path


def _config(cell: Cell, guide: Path) -> dict[str, object]:
    model: dict[str, object] = {"name_or_path": MODELS[cell.model], "dropout": 0.1}
    modifiers = [] if cell.modifier == "none" else [{"name": cell.modifier, **_plain(MODIFIERS[cell.modifier])}]
    return {
        "version": 1,
        "output_dir": "unused",
        "seed": 3,
        "model": model | ({"lora": LORA} if cell.lora else {}),
        "data": {"train": [{"path": "rows.jsonl", "columns": cell.form.columns}]},
        "loss": {"name": cell.loss.name, **_parameters(cell, guide)},
        "modifiers": modifiers,
        "train": {"batch_size": BATCH, "precision": "fp32"},
    }


def _parameters(cell: Cell, guide: Path) -> dict[str, object]:
    """Those that have no default: the documented examples, and real models where a model is named."""
    models = {"guide": str(guide), "teacher": str(guide)}
    required = {doc.name: doc.example for doc in parameter_docs(cell.loss) if doc.required}
    found = {name: models.get(name, example) for name, example in required.items()}
    return found | ({"teacher": str(guide)} if cell.teacher else {})


def _plain(values: dict[str, object]) -> dict[str, object]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

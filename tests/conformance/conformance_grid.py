"""The grid: every loss of the catalogue, on rows of each of its formats, under every modifier, in every kind of model.

Beside the losses alone stand weighted lists of two: of each coupling, with a head, a decoder, the regulariser.

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
from embtune.catalog.formats import DAMAGED, PAIR, PAIR_BINARY, TRIPLET
from embtune.catalog.parameter_docs import parameter_docs
from embtune.catalog.registry import losses
from embtune.catalog.spec import Coupling, Need
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
WEIGHT = 0.5  # of the second loss of a list
LISTS = (
    ("MultipleNegativesRankingLoss", "MegaBatchMarginLoss", PAIR),  # rows interact in both
    ("MultipleNegativesRankingLoss", "TripletLoss", TRIPLET),  # in one
    ("ContrastiveLoss", "CosineSimilarityLoss", PAIR_BINARY),  # in none
    ("OnlineContrastiveLoss", "SoftmaxLoss", PAIR_BINARY),  # a head in a step whose rows interact
    ("MultipleNegativesRankingLoss", "GlobalOrthogonalRegularizationLoss", PAIR),
    ("GlobalOrthogonalRegularizationLoss", "DenoisingAutoEncoderLoss", DAMAGED),  # a decoder in such a step
)


@dataclass(frozen=True)
class Cell:
    """A loss on rows of one form, under one modifier, in one kind of model.

    teacher: it gives the labels. beside: another loss, with which it makes a weighted list.
    """

    loss: LossSpec
    form: Form
    modifier: str
    model: str
    lora: bool = False
    teacher: bool = False
    beside: LossSpec | None = None

    @property
    def losses(self) -> tuple[LossSpec, ...]:
        """The loss, and the one beside it."""
        return (self.loss,) if self.beside is None else (self.loss, self.beside)

    @property
    def name(self) -> str:
        """Of the loss or the list."""
        return " + ".join(spec.name for spec in self.losses)

    @property
    def coupling(self) -> Coupling:
        """Rows interact where they do in any of the losses."""
        couplings = {effective_spec(spec).coupling for spec in self.losses}
        return Coupling.BATCH if Coupling.BATCH in couplings else Coupling.ROWS

    @property
    def refused(self) -> bool:
        """A static model has no layers to train."""
        needs = frozenset[Need]() if self.modifier == "none" else effective_spec(find_spec(self.modifier)).needs
        return self.model == "static" and Need.LAYERS in needs

    @property
    def rows(self) -> str:
        """The loss and what its rows hold."""
        return f"{self.name} [{self.form}]{' with a teacher' if self.teacher else ''}"

    def __str__(self) -> str:
        """The cell in one line."""
        return f"{self.rows} | {self.modifier} | {self.model} | {'lora' if self.lora else 'full'}"


def all_cells() -> Iterator[Cell]:
    """The whole grid, loss by loss, then the lists."""
    weights = (False, True) if LORA_IS_HERE else (False,)
    for spec in losses():
        taught = [(form, True) for format in spec.taught_formats for form in forms_of(format)]
        given = [(form, False) for format in spec.formats for form in forms_of(format)]
        for (form, teacher), modifier, model, lora in product([*given, *taught], MODIFIERS, MODELS, weights):
            yield Cell(spec, form, modifier, model, lora, teacher)
    for (first, second, format), modifier, model, lora in product(LISTS, MODIFIERS, MODELS, weights):
        (form,) = forms_of(format)
        yield Cell(find_spec(first), form, modifier, model, lora, beside=find_spec(second))


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
        "loss": _losses(cell, guide),
        "modifiers": modifiers,
        "train": {"batch_size": BATCH, "precision": "fp32"},
    }


def _losses(cell: Cell, guide: Path) -> list[dict[str, object]]:
    own: dict[str, object] = {"name": cell.loss.name, **_parameters(cell, guide)}
    return [own] if cell.beside is None else [own, {"name": cell.beside.name, "weight": WEIGHT}]


def _parameters(cell: Cell, guide: Path) -> dict[str, object]:
    """Those that have no default: the documented examples, and real models where a model is named."""
    models = {"guide": str(guide), "teacher": str(guide)}
    required = {doc.name: doc.example for doc in parameter_docs(cell.loss) if doc.required}
    found = {name: models.get(name, example) for name, example in required.items()}
    return found | ({"teacher": str(guide)} if cell.teacher else {})


def _plain(values: dict[str, object]) -> dict[str, object]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

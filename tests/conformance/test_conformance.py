"""Every loss of the catalogue in a real step of the engine, under every modifier and in every kind of model.

The default run takes a part of the grid that has each loss on each of its formats; `-m slow` takes all of it, and
`scripts/conformance.py` prints it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conformance_grid import (
    LISTS,
    LORA_IS_HERE,
    MODELS,
    MODIFIERS,
    Cell,
    all_cells,
    modifiers_of_the_catalogue,
    sample_cells,
    write_config,
)
from conformance_step import KEPT, RECOMPUTED, faults, prepare_cell, save_guide, step
from torch import nn

from embtune.catalog.registry import losses
from embtune.catalog.spec import Coupling
from embtune.config import load_config
from embtune.errors import ConfigError
from embtune.train import embed
from embtune.train.seeds import drawing_from

SAMPLE = tuple(sample_cells())
REST = tuple(cell for cell in all_cells() if cell not in SAMPLE and not cell.refused)
REFUSED = tuple(cell for cell in all_cells() if cell.refused)


@pytest.fixture(scope="session")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model for losses that want one beside the trained."""
    return save_guide(tmp_path_factory.mktemp("guide"))


@pytest.mark.parametrize("cell", SAMPLE, ids=str)
def test_cell_conforms(cell: Cell, tmp_path: Path, guide: Path) -> None:
    assert not faults(cell, prepare_cell(cell, tmp_path, guide))


@pytest.mark.slow
@pytest.mark.parametrize("cell", REST, ids=str)
def test_every_other_cell_conforms(cell: Cell, tmp_path: Path, guide: Path) -> None:
    assert not faults(cell, prepare_cell(cell, tmp_path, guide))


@pytest.mark.parametrize("modifier", sorted({cell.modifier for cell in REFUSED}))
def test_a_static_model_is_refused_layers_when_the_config_is_read(modifier: str, tmp_path: Path) -> None:
    cell = next(cell for cell in REFUSED if cell.modifier == modifier)
    with pytest.raises(ConfigError) as raised:
        load_config(write_config(cell, tmp_path, tmp_path))
    assert [problem.code for problem in raised.value.problems] == ["no-layers"]


def test_the_default_part_of_the_grid_has_everything_somewhere() -> None:
    assert {cell.loss.name for cell in SAMPLE} == {spec.name for spec in losses()}
    assert {cell.modifier for cell in SAMPLE} == set(MODIFIERS)
    assert {cell.model for cell in SAMPLE} == set(MODELS)
    assert {cell.name for cell in SAMPLE if cell.beside} == {f"{first} + {second}" for first, second, _ in LISTS}
    assert {cell.lora for cell in SAMPLE} == ({False, True} if LORA_IS_HERE else {False})
    assert set(MODIFIERS) == modifiers_of_the_catalogue() | {"none"}


def dropping_cell() -> Cell:
    """A cell whose gradient needs the dropout masks of its first pass again."""
    return next(
        cell
        for cell in all_cells()
        if cell.coupling is Coupling.BATCH and cell.model == "transformer" and cell.modifier == "none"
    )


def test_the_control_without_replay_of_the_draws_fails(
    tmp_path: Path, guide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = prepare_cell(dropping_cell(), tmp_path, guide)
    kept, again = step(job, KEPT), step(job, RECOMPUTED)
    assert again.outcome.recomputed > 1
    assert kept.difference(again) < 1e-6
    calls = iter(range(10_000))
    monkeypatch.setattr(embed, "drawing_from", lambda seed, *rest: drawing_from(seed + next(calls), *rest))
    assert kept.difference(step(job, RECOMPUTED)) > 1e-2


def test_the_control_with_a_weight_that_nothing_reaches_is_told(tmp_path: Path, guide: Path) -> None:
    cell = dropping_cell()
    job = prepare_cell(cell, tmp_path, guide)
    job.training.tasks[0].objective.register_parameter("unused", nn.Parameter(torch.zeros(2)))
    assert any("unused has no gradient" in fault for fault in faults(cell, job))

"""A model whose name does not say that it has no layers is refused once it is loaded, at the modifier."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_run import write_config

from embtune.config import load_config
from embtune.errors import ConfigError
from embtune.model.save import save_model
from embtune.pipeline.job import prepare
from embtune.report.progress import Several


def test_a_static_folder_is_refused_at_the_modifier_that_needs_layers(tmp_path: Path) -> None:
    scratch = write_config(tmp_path, model={"name_or_path": "scratch:static?width=32"})
    save_model(prepare(load_config(scratch), Several()).model, tmp_path / "static")
    modifiers = [{"name": "MatryoshkaLoss", "dims": [8]}, "AdaptiveLayerLoss"]
    config = write_config(tmp_path, model={"name_or_path": str(tmp_path / "static")}, modifiers=modifiers)
    with pytest.raises(ConfigError) as raised:
        prepare(load_config(config), Several())
    (problem,) = raised.value.problems
    assert problem.message == "modifiers.1: a StaticEmbedding model has no layers that could be trained or left out"
    assert problem.location is not None
    assert problem.location.line == config.read_text().splitlines().index("- AdaptiveLayerLoss") + 1

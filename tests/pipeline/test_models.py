"""A model that cannot be read is blamed on the config's key, and the file in it that is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from small_run import small_config

from embtune.config import LoadedConfig, load_config
from embtune.errors import ModelError
from embtune.pipeline.models import load_config_model


def config_with(model: Path, folder: Path) -> LoadedConfig:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(small_config(folder, model={"name_or_path": str(model)})), encoding="utf-8")
    return load_config(path)


def test_a_static_model_without_its_tokenizer_is_located_at_the_key(tmp_path: Path) -> None:
    model = tmp_path / "static"
    model.mkdir()
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.StaticEmbedding"}]
    (model / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    loaded = config_with(model, tmp_path)
    with pytest.raises(ModelError) as caught:
        load_config_model(loaded, ())
    (problem,) = caught.value.problems
    assert problem.location == loaded.problem(("model", "name_or_path"), "", "").location
    assert problem.message == f"{model}: there is no tokenizer.json"

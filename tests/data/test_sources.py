from __future__ import annotations

from pathlib import Path

import pytest
from data_files import write_lines

from embtune.data.readers.hub import HubDataset, parse_hub_id
from embtune.data.rows import read_rows
from embtune.data.sources import find_source
from embtune.errors import ConfigError, Problem


def refused(path: str, base_dir: Path) -> Problem:
    """The one problem of a source that is declared wrongly."""
    with pytest.raises(ConfigError) as caught:
        find_source(path, base_dir)
    (problem,) = caught.value.problems
    return problem


def test_a_folder_is_its_data_files_in_order_of_name(tmp_path: Path) -> None:
    for name in ("part-2.jsonl", "part-1.jsonl.gz", ".hidden.jsonl", "README.md"):
        (tmp_path / name).touch()
    source = find_source(".", tmp_path)
    assert isinstance(source, list)
    assert [file.path.name for file in source] == ["part-1.jsonl.gz", "part-2.jsonl"]


def test_a_pattern_is_its_files_in_order_and_crosses_folders_with_two_stars(tmp_path: Path) -> None:
    for name in ("a/1.jsonl", "b/c/2.jsonl", "b/3.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_lines(tmp_path / name, {"text": name})
    assert [row.values["text"] for row in read_rows("**/*.jsonl", tmp_path)] == ["a/1.jsonl", "b/c/2.jsonl"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    write_lines(tmp_path / "data[1].jsonl", {"text": "a"})
    assert len(list(read_rows("data[1].jsonl", tmp_path))) == 1


def test_an_absolute_path_is_not_read_from_the_base_folder(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "data.jsonl", {"text": "a"})
    assert len(list(read_rows(str(path), Path("/nowhere")))) == 1


def test_a_missing_file_is_named_absolutely_with_the_nearest_name(tmp_path: Path) -> None:
    write_lines(tmp_path / "train.jsonl", {})
    problem = refused("trian.jsonl", tmp_path)
    assert problem.message == f"no such file or folder: {tmp_path / 'trian.jsonl'}"
    assert problem.hint == f"did you mean {tmp_path / 'train.jsonl'}?"


def test_a_name_that_shares_the_extension_alone_is_not_offered(tmp_path: Path) -> None:
    write_lines(tmp_path / "train.jsonl", {})
    assert refused("dev.jsonl", tmp_path).hint == f"{tmp_path} holds train.jsonl"


def test_the_name_with_another_extension_is_offered(tmp_path: Path) -> None:
    (tmp_path / "dev.parquet").touch()
    assert refused("dev.jsonl", tmp_path).hint == f"did you mean {tmp_path / 'dev.parquet'}?"


def test_a_missing_file_in_a_missing_folder_names_the_nearest_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert refused("dta/train.jsonl", tmp_path).hint == f"did you mean {tmp_path / 'data'}?"


def test_a_missing_file_with_no_name_near_lists_what_is_there(tmp_path: Path) -> None:
    write_lines(tmp_path / "train.jsonl", {})
    assert refused("xyz.csv", tmp_path).hint == f"{tmp_path} holds train.jsonl"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("no-*.jsonl", "missing-file"),
        ("notes.md", "unknown-extension"),
        ("empty", "no-data-files"),
        ("mixed", "mixed-formats"),
        ("beir", "retrieval-folder"),
        ("", "missing-file"),
        ("nul\x00.jsonl", "missing-file"),
        ("x" * 5000, "unreadable-file"),
        ("~no-such-user/data.jsonl", "unreadable-file"),
    ],
)
def test_a_source_that_is_no_data_is_refused(tmp_path: Path, path: str, code: str) -> None:
    for name in ("notes.md", "mixed/a.jsonl", "mixed/LICENSE.txt", "beir/corpus.jsonl", "beir/queries.jsonl.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("empty", "beir/qrels"):
        (tmp_path / name).mkdir()
    assert refused(path, tmp_path).code == code


def test_a_folder_of_splits_names_them(tmp_path: Path) -> None:
    for split in ("train", "dev"):
        (tmp_path / "nq" / split).mkdir(parents=True)
    hint = f"it holds folders; name one: {tmp_path / 'nq' / 'dev'}, {tmp_path / 'nq' / 'train'}"
    assert refused("nq", tmp_path).hint == hint


def test_a_name_is_a_hub_dataset_only_where_no_folder_of_that_name_is(tmp_path: Path) -> None:
    assert find_source("org/name", tmp_path) == HubDataset("org/name", None, "train")
    assert find_source("org/name.v2", tmp_path) == HubDataset("org/name.v2", None, "train")
    (tmp_path / "org").mkdir()
    assert refused("org/name", tmp_path).code == "missing-file"


@pytest.mark.parametrize(
    ("text", "dataset"),
    [
        ("org/name", HubDataset("org/name", None, "train")),
        ("org/name:test", HubDataset("org/name", None, "test")),
        ("org/name/pair:dev", HubDataset("org/name", "pair", "dev")),
        ("name", None),
        ("/org/name", None),
        ("a/b/c/d", None),
    ],
)
def test_hub_ids_name_config_and_split(text: str, dataset: HubDataset | None) -> None:
    assert parse_hub_id(text) == dataset


def test_a_hub_dataset_without_network_is_a_located_error(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="no file 'no-such-org/data' here, and no such dataset could be read"
    ) as caught:
        next(read_rows("no-such-org/data", tmp_path))
    assert caught.value.problems[0].code == "hub-dataset"

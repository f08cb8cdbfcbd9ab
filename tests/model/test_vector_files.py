"""Vectors come back from disk as they were, or not at all."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest

from embtune.errors import RunError
from embtune.model.vector_files import alone_at, read_vectors, write_vectors

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3) / 7


def written(folder: Path) -> Path:
    write_vectors(folder, (4, 3), iter([VECTORS[:3], VECTORS[3:]]), "four texts")
    return folder


def test_vectors_come_back_bit_for_bit_and_cannot_be_written_to(tmp_path: Path) -> None:
    found = read_vectors(written(tmp_path / "key"), (4, 3))
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, VECTORS)
    assert not found.flags.writeable


@pytest.mark.parametrize("damage", ["no manifest", "half a manifest", "cut short", "a flipped bit", "another shape"])
def test_what_is_not_whole_counts_as_none(tmp_path: Path, damage: str) -> None:
    folder = written(tmp_path / "key")
    manifest, vectors = folder / "manifest.json", folder / "vectors.bin"
    if damage == "no manifest":
        manifest.unlink()
    if damage == "half a manifest":
        manifest.write_text(manifest.read_text()[:20])
    if damage == "cut short":
        vectors.write_bytes(vectors.read_bytes()[:-4])
    if damage == "a flipped bit":
        content = bytearray(vectors.read_bytes())
        content[17] ^= 1
        vectors.write_bytes(content)
    assert read_vectors(folder, (6, 2) if damage == "another shape" else (4, 3)) is None


def test_an_interrupted_writer_leaves_nothing_and_the_older_vectors_stay(tmp_path: Path) -> None:
    def parts(fail: bool) -> list[np.ndarray]:
        if fail:
            raise KeyboardInterrupt
        return [VECTORS]

    folder = written(tmp_path / "key")
    with pytest.raises(KeyboardInterrupt):
        write_vectors(folder, (4, 3), (part for fail in (False, True) for part in parts(fail)), "again")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    np.testing.assert_array_equal(read_vectors(folder, (4, 3)), VECTORS)


def test_a_place_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot write .*file"), alone_at(tmp_path / "file" / "key"):
        pass


def _hold(folder: Path, log: Path) -> None:
    with alone_at(folder), log.open("a") as stream:
        stream.write("in ")
        stream.flush()
        time.sleep(0.2)
        stream.write("out ")


def test_two_processes_are_never_at_one_folder_together(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_hold, args=(tmp_path / "key", tmp_path / "log")) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert (tmp_path / "log").read_text() == "in out in out "

"""bf16 on a CPU: tried once where the CPU says it has it, remembered, and never against the user."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from embtune.cli.bf16 import INSTRUCTIONS, WITHOUT_AMX, answer_file, settle_bf16
from embtune.report.progress import Several
from embtune.train.bf16_probe import speedup

WITH_BF16 = "model name : Some CPU\nflags : fpu avx512_bf16 amx_tile\n\nmodel name : Another\nflags :\n"


def _machine(folder: Path, cpuinfo: str) -> Path:
    (folder / "proc").mkdir(parents=True)
    (folder / "proc/cpuinfo").write_text(cpuinfo)
    return folder


def _remember(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(text)


@pytest.mark.parametrize("cpuinfo", ["model name : Some CPU\nflags : fpu avx2\n", "", "nothing like it"])
def test_a_cpu_without_bf16_is_not_tried(cpuinfo: str, tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    assert settle_bf16(environ, tmp_path / "cache", Several(), _machine(tmp_path / "root", cpuinfo)) is None
    assert environ == {}
    assert not (tmp_path / "cache").exists()


def test_nor_is_one_beside_a_gpu(tmp_path: Path) -> None:
    root = _machine(tmp_path, WITH_BF16)
    (root / "dev").mkdir()
    (root / "dev/nvidiactl").touch()
    assert settle_bf16({}, tmp_path / "cache", Several(), root) is None


def test_a_damaged_answer_is_found_by_trial_and_remembered(tmp_path: Path) -> None:
    root, cache = _machine(tmp_path / "root", WITH_BF16), tmp_path / "cache"
    said = {**os.environ, INSTRUCTIONS: WITHOUT_AMX}  # with which every CPU that runs the tests computes bf16
    environ, file = dict(said), answer_file(said, cache, root)
    _remember(file, '{"instructions": "something else", "speedup": 9}')
    measured = settle_bf16(environ, cache, Several(), root)
    assert measured is not None
    assert 0 < measured != 9
    assert environ == said
    assert json.loads(file.read_text()) == {"instructions": None, "speedup": measured}


def test_what_is_remembered_is_done_without_a_trial(tmp_path: Path) -> None:
    root, cache = _machine(tmp_path / "root", WITH_BF16), tmp_path / "cache"
    environ: dict[str, str] = {}
    _remember(answer_file(environ, cache, root), json.dumps({"instructions": WITHOUT_AMX, "speedup": 0.5}))
    assert settle_bf16(environ, cache, Several(), root) == 0.5
    assert environ == {INSTRUCTIONS: WITHOUT_AMX}


def test_another_environment_has_another_answer(tmp_path: Path) -> None:
    names = {answer_file(said, tmp_path) for said in ({}, {INSTRUCTIONS: "AVX2"}, {"OMP_NUM_THREADS": "3"})}
    assert len(names) == 3


def test_the_speed_is_a_ratio_of_times() -> None:
    assert 0.01 < speedup(tokens=64, width=64) < 100

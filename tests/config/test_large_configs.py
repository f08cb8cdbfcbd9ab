"""Configs that are far too large, or no files at all, are told of soon: none takes long or all of the memory."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest
from config_text import BASE, only_problem, problems_of

from embtune.config import load_config
from embtune.config.files import LIMIT_BYTES
from embtune.config.messages import MAX_TOLD
from embtune.config.scalars import MAX_NODES
from embtune.errors import ConfigError, Problem


def problem_of(path: Path | str) -> Problem:
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    (problem,) = raised.value.problems
    return problem


def test_more_values_than_any_config_has_are_refused_at_the_first_too_many() -> None:
    problem = only_problem("seed: [" + "x," * 3 * MAX_NODES + "]")
    assert problem.code == "too-large"
    assert problem.location is not None
    assert problem.location.column == pytest.approx(2 * MAX_NODES, rel=0.01)


def test_mistakes_are_shown_up_to_a_number_and_counted_beyond() -> None:
    problems = problems_of(BASE + "".join(f"key{i}: 1\n" for i in range(2000)))
    assert len(problems) == MAX_TOLD + 1
    assert problems[-1].code == "more-mistakes"
    assert f"{2000 - MAX_TOLD} more" in problems[-1].message


def test_the_time_that_mistakes_take_grows_with_their_number_alone() -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        problems_of(BASE + "".join(f"key{i}: 1\n" for i in range(count)))
        return time.process_time() - started

    seconds(10)
    assert seconds(4000) < 20 * seconds(500)  # 64 times as long where each looks at all others


def test_a_device_without_end_is_read_up_to_a_limit() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("needs /dev/zero")
    assert problem_of("/dev/zero").code == "too-large"


def test_standard_input_without_end_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = io.TextIOWrapper(io.BytesIO(b"#" * (LIMIT_BYTES + 1)), "utf-8")
    monkeypatch.setattr("sys.stdin", endless)
    assert problem_of("-").code == "too-large"


def test_what_a_config_extends_is_a_file_and_never_a_pipe_or_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for named in ("pipe", "/dev/null"):
        (tmp_path / "c.yaml").write_text(f"extends: {named}\n")
        assert problem_of(tmp_path / "c.yaml").code == "not-a-file"


def test_a_config_that_is_named_may_be_a_pipe(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, BASE.encode())
    os.close(writer)
    try:
        assert load_config(f"/dev/fd/{reader}").config.output_dir == "r"
    finally:
        os.close(reader)


@pytest.mark.parametrize(
    "line", ["data: {train: [{path: a.jsonl, weight: 1e300}]}", "train: {num_train_epochs: 1e300}"]
)
def test_passes_over_the_data_without_end_are_refused(line: str) -> None:
    section = line.partition(":")[0]
    text = "".join(each for each in BASE.splitlines(keepends=True) if not each.startswith(f"{section}:"))
    assert only_problem(f"{text}{line}\n").code == "bad-value"


def test_a_name_that_is_no_text_is_told_once() -> None:
    text = BASE.replace("{path: a.jsonl}", "{path: a.jsonl, name: {a: 1}}, {path: b.jsonl, name: [1]}")
    assert [problem.code for problem in problems_of(text)] == ["wrong-type", "wrong-type"]

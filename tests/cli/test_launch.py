"""One exit code for several processes."""

from __future__ import annotations

import pytest

from embtune.cli.launch import check_nproc, exit_code_of
from embtune.errors import UsageError
from embtune.world import World


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ({0: 1}, 1),
        ({0: 2, 1: -15}, 2),  # stopped because the first failed
        ({0: 1, 1: 2}, 2),  # left alone, and noticed
        ({0: 143, 1: -15}, 143),
        ({0: -15, 1: -15}, 143),
        ({0: 130}, 130),
    ],
)
def test_the_exit_code_is_that_of_the_process_that_failed_by_itself(codes: dict[int, int], code: int) -> None:
    assert exit_code_of(codes) == code


def test_a_killed_process_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of({0: 1, 1: -9, 2: -15}) == 1
    said = capsys.readouterr().err
    assert "process 1 was ended by SIGKILL" in said
    assert "process 2" not in said


def test_another_launchers_number_of_processes_is_not_changed() -> None:
    with pytest.raises(UsageError, match="has started 2 processes"):
        check_nproc(4, World(0, 2, 0, 2), "config.yaml")
    check_nproc(2, World(0, 4, 0, 2), "config.yaml")
    check_nproc(4, World(), "config.yaml")

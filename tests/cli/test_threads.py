"""Threads that wait asleep: said in time for torch's OpenMP, and never against the user."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from embtune.cli.threads import WAITING, wait_asleep

# The OpenMP library prints what it goes by as it is loaded, which is when torch is imported.
SHOWN = "OMP_DISPLAY_ENV"
ENCODE = "import sys; from embtune.cli.app import main; sys.argv = ['embtune', 'encode', '/no/such/model']; main()"


@pytest.mark.parametrize(
    "said", [{}, {WAITING: "ACTIVE"}, {"GOMP_SPINCOUNT": "5"}, {"KMP_BLOCKTIME": "1"}, {"OMP_NUM_THREADS": "3"}]
)
def test_what_the_user_said_stays(said: dict[str, str]) -> None:
    environ = dict(said)
    wait_asleep(environ)
    free = set(said) <= {"OMP_NUM_THREADS"}
    assert environ == (said | {WAITING: "PASSIVE"} if free else said)


def spins_in_use(environ: Mapping[str, str]) -> int | None:
    """How often the OpenMP library of an `embtune` process looks for work before it sleeps; None if it does not say."""
    done = subprocess.run(
        [sys.executable, "-c", ENCODE], env={**environ, SHOWN: "VERBOSE"}, capture_output=True, text=True, check=False
    )
    found = re.search(r"GOMP_SPINCOUNT *= *'(\d+)'", done.stderr)
    return int(found[1]) if found else None


def test_the_policy_is_said_before_torch_is_imported(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    if not spins_in_use({**environ, WAITING: "ACTIVE"}):
        pytest.skip("the OpenMP library of this build of torch does not print its settings")
    assert spins_in_use(environ) == 0

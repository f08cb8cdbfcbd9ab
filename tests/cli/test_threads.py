"""Threads that wait asleep, and no more than may run: said in time for torch's OpenMP, and never against the user."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from embtune.cli.threads import NUMBER, WAITING, stay_within_quota, wait_asleep

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


def _with_files(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


CGROUP = "proc/self/cgroup"


@pytest.mark.parametrize(
    ("files", "threads"),
    [
        ({CGROUP: "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, "1"),
        ({CGROUP: "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n", "sys/fs/cgroup/a/cpu.max": "5 9"}, "1"),
        ({CGROUP: "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({CGROUP: "0::/\n", "sys/fs/cgroup/cpu.max": "99900000 100000\n"}, None),
        (
            {
                CGROUP: "4:memory:/x\n3:cpu,cpuacct:/job\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
            },
            "1",
        ),
        (
            {
                CGROUP: "3:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        ({}, None),
    ],
    ids=["v2", "v2-of-a-parent", "v2-none", "v2-above-the-cores", "v1", "v1-none", "no-files"],
)  # fmt: skip
def test_a_quota_of_time_bounds_the_threads(files: Mapping[str, str], threads: str | None, tmp_path: Path) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores: no quota of a core or more is below one")
    environ: dict[str, str] = {}
    stay_within_quota(environ, _with_files(tmp_path, files))
    assert environ.get(NUMBER) == threads


def test_the_users_number_of_threads_stays(tmp_path: Path) -> None:
    environ = {NUMBER: "7"}
    files = {CGROUP: "0::/\n", "sys/fs/cgroup/cpu.max": "100000 100000\n"}
    stay_within_quota(environ, _with_files(tmp_path, files))
    assert environ == {NUMBER: "7"}

"""The processes that one run is done by: how many there are, which one this is, and where they meet.

This is the one place that reads what torchrun and SLURM say of it in the environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
_SLURM = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE")  # srun's, not sbatch's
_FIRST_HOST = re.compile(r"([^,\[]+)(?:\[(\d+))?")  # of `node[03-07,12],other`
_LOWEST_PORT, _PORTS = 20000, 20000  # below those that Linux gives away
RESTARTS = "EMBTUNE_RESTARTS"  # set by `embtune train --nproc` for the processes it starts
_TORCH_RESTARTS = "TORCHELASTIC_RESTART_COUNT"


@dataclass(frozen=True)
class World:
    """One of `size` processes.

    rank: which, from 0. local_rank, local_size: the same among those on this machine.
    meeting_point: where they find each other, as `torch.distributed` takes it; "env://" is what torchrun has set.
    restarts: how often all were started again because one of them had died.
    by_embtune: the command itself has started them, and no launcher of the user's.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    meeting_point: str = "env://"
    restarts: int = 0
    by_embtune: bool = False

    @property
    def is_first(self) -> bool:
        """Whether this is the process that speaks and writes for all."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether there are no others."""
        return self.size == 1


ALONE = World()


def world_of(environ: Mapping[str, str]) -> World:
    """What the environment says: torchrun's variables, else those of srun, else one process."""
    if "RANK" in environ and "WORLD_SIZE" in environ:
        own = environ.get(RESTARTS)
        restarts = int(own or environ.get(_TORCH_RESTARTS, "0"))
        return World(*_numbers(environ, _TORCHRUN), restarts=restarts, by_embtune=own is not None)
    if "SLURM_PROCID" in environ and "SLURM_STEP_NUM_TASKS" in environ:
        return World(*_numbers(environ, _SLURM), meeting_point=_of_slurm(environ))
    return ALONE


def _numbers(environ: Mapping[str, str], names: tuple[str, str, str, str]) -> tuple[int, int, int, int]:
    """Rank, size, local rank, local size. SLURM writes the last as `4(x2),3`, and the smallest of them serves all."""
    rank, size, local_rank = (int(environ.get(name, "0")) for name in names[:3])
    counts = [int(re.split(r"\D", part)[0]) for part in environ.get(names[3], str(size)).split(",")]
    return rank, size, local_rank, max(1, local_rank + 1, min(counts))


def _of_slurm(environ: Mapping[str, str]) -> str:
    """A port of the step's first machine that another job hardly has; what the user says comes first."""
    job = int(environ.get("SLURM_JOB_ID", "0")) + int(environ.get("SLURM_STEP_ID", "0"))
    port = environ.get("MASTER_PORT", str(_LOWEST_PORT + job % _PORTS))
    return f"tcp://{environ.get('MASTER_ADDR') or _first_host(environ.get('SLURM_STEP_NODELIST', ''))}:{port}"


def _first_host(listed: str) -> str:
    found = _FIRST_HOST.match(listed)
    return "localhost" if found is None else found[1] + (found[2] or "")

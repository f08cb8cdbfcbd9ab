"""What torchrun and SLURM say in the environment."""

from __future__ import annotations

import pytest

from embtune.world import World, world_of

SRUN = {
    "SLURM_PROCID": "5",
    "SLURM_STEP_NUM_TASKS": "7",
    "SLURM_LOCALID": "1",
    "SLURM_STEP_TASKS_PER_NODE": "4,3",
    "SLURM_STEP_NODELIST": "gpu[007-009,012]",
    "SLURM_JOB_ID": "40123",
    "SLURM_STEP_ID": "2",
}


def test_without_a_launcher_a_process_is_alone() -> None:
    world = world_of({"PATH": "/bin", "SLURM_JOB_ID": "7", "SLURM_NTASKS": "8"})  # in a batch script, before srun
    assert world == World()
    assert world.is_alone
    assert world.is_first


def test_torchrun_says_who_this_is_and_where_all_meet() -> None:
    said = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    assert world_of(said) == World(3, 4, 1, 2, "env://")
    assert world_of(SRUN | said) == World(3, 4, 1, 2, "env://")  # torchrun under srun


def test_how_often_a_launcher_started_anew() -> None:
    said = {"RANK": "0", "WORLD_SIZE": "2", "TORCHELASTIC_RESTART_COUNT": "1"}
    assert (world_of(said).restarts, world_of(said).by_embtune) == (1, False)
    ours = world_of(said | {"TORCHELASTIC_RESTART_COUNT": "0", "EMBTUNE_RESTARTS": "2"})
    assert (ours.restarts, ours.by_embtune) == (2, True)


def test_srun_says_it_and_all_meet_on_the_first_machine() -> None:
    assert world_of(SRUN) == World(5, 7, 1, 3, "tcp://gpu007:20125")
    chosen = world_of(SRUN | {"MASTER_ADDR": "head", "MASTER_PORT": "99"})
    assert chosen.meeting_point == "tcp://head:99"


@pytest.mark.parametrize(("listed", "host"), [("a1", "a1"), ("a1,b2", "a1"), ("n[3,5]", "n3"), ("", "localhost")])
def test_the_first_machine_of_a_list(listed: str, host: str) -> None:
    assert world_of(SRUN | {"SLURM_STEP_NODELIST": listed}).meeting_point == f"tcp://{host}:20125"

"""Whether bf16 works on this CPU, and how fast: tried once in a process of its own, before torch is imported.

A virtual machine may show AMX instructions that end the process that uses them. They can be left out, by an environment
variable that has to be there before torch computes, and only a trial tells whether they must be.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from embtune.errors import RunError
from embtune.files import write_beside
from embtune.report.progress import Progress

INSTRUCTIONS = "ONEDNN_MAX_CPU_ISA"
WITHOUT_AMX = "AVX512_CORE_BF16"
_BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
_CPU_LINES = ("model name", "flags")
_PROBE = (sys.executable, "-m", "embtune.train.bf16_probe")


def settle_bf16(
    environ: MutableMapping[str, str], cache: Path, progress: Progress, root: Path = Path("/")
) -> float | None:
    """Make bf16 work in this process where it can, and say what it is worth.

    Args:
        environ: the environment of this process; it may be told to leave AMX out. What a user has said stays.
        cache: where the answer is remembered, for the same machine, torch and environment.
        progress: told of the trial.
        root: of the file system.

    Returns:
        How many times faster than float32 the CPU is; 0 where a process that tries bf16 is ended by the system; None
        where the CPU has no instructions for it, or a GPU computes.
    """
    if _BF16_FLAGS.isdisjoint(_cpu(root).get("flags", "").split()) or (root / "dev/nvidiactl").exists():
        return None
    file = answer_file(environ, cache, root)
    found = _remembered(file)
    if found is None:
        with progress.stage("trying what this CPU computes in, once"):
            found = _tried(environ)
        with suppress(RunError, OSError):  # a home that is not to be written to is no reason to stop
            file.parent.mkdir(parents=True, exist_ok=True)
            write_beside(file, json.dumps({"instructions": found[0], "speedup": found[1]}))
    instructions, speedup = found
    if instructions is not None:
        environ[INSTRUCTIONS] = instructions
    return speedup


_Answer = tuple[str | None, float]  # what INSTRUCTIONS has to be set to, speedup


def _tried(environ: Mapping[str, str]) -> _Answer:
    """As the environment is; then, unless it says which instructions to use, without AMX."""
    speedup = _speedup(environ)
    if speedup == 0 and INSTRUCTIONS not in environ:
        slower = _speedup({**environ, INSTRUCTIONS: WITHOUT_AMX})
        return (WITHOUT_AMX, slower) if slower else (None, 0.0)
    return None, speedup


def _speedup(environ: Mapping[str, str]) -> float:
    done = subprocess.run(_PROBE, env=dict(environ), capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else 0.0


def _remembered(file: Path) -> _Answer | None:
    try:
        said = json.loads(file.read_text("utf-8"))
        instructions, speedup = said["instructions"], float(said["speedup"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (instructions, speedup) if instructions in (None, WITHOUT_AMX) else None


def _cpu(root: Path) -> dict[str, str]:
    """Linux' words about the first core: its model, and what it can do."""
    try:
        text = (root / "proc/cpuinfo").read_text("utf-8")
    except (OSError, ValueError):
        return {}
    words = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in words if name.strip() in _CPU_LINES}


def answer_file(environ: Mapping[str, str], cache: Path, root: Path = Path("/")) -> Path:
    """Where the answer is remembered: a name for all it depends on, the host or guest, torch and what the user said."""
    said = [environ.get(name) for name in (INSTRUCTIONS, "OMP_NUM_THREADS")]
    asked = [*_cpu(root).values(), platform.release(), version("torch"), os.cpu_count(), *said]
    return cache / "cpu" / f"{blake2b(json.dumps(asked).encode(), digest_size=16).hexdigest()}.json"

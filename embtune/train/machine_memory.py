"""How much memory there is and how much is left, of a GPU or of the machine (or the container) around a CPU."""

from __future__ import annotations

import os
from pathlib import Path

import torch

_LIMIT, _USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")  # of a container
_CACHE = "inactive_file"  # counted as used, and given back when it is wanted
_STATISTICS = Path("/sys/fs/cgroup/memory.stat")


def available_bytes(device: torch.device, sharers: int = 1) -> int:
    """What this process could still take, as far as the system tells, where as many `sharers` want as much.

    A GPU is one process's own.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    left = _machine("MemAvailable", default=_physical_bytes() // 2)
    limit = _number(_LIMIT)
    if limit is None:
        return left // sharers
    return max(0, min(left, limit - (_number(_USED) or 0) + _fields(_STATISTICS).get(_CACHE, 0))) // sharers


def total_bytes(device: torch.device, sharers: int = 1) -> int:
    """What there is in all for each of `sharers` processes: the same however much of it is taken."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    total = _machine("MemTotal", default=_physical_bytes())
    return min(total, _number(_LIMIT) or total) // sharers


def _machine(name: str, default: int) -> int:
    kilobytes = _fields(Path("/proc/meminfo")).get(f"{name}:")
    return default if kilobytes is None else kilobytes * 1024


def _physical_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _fields(path: Path) -> dict[str, int]:
    """Name -> number, of a file of lines that begin with the two; nothing where there is no such file."""
    lines = path.read_text("ascii").splitlines() if path.is_file() else []
    return {words[0]: int(words[1]) for words in map(str.split, lines) if len(words) > 1}


def _number(path: Path) -> int | None:
    """The number in a file; None where there is no such file or it says "max"."""
    text = path.read_text("ascii").strip() if path.is_file() else ""
    return int(text) if text.isdigit() else None

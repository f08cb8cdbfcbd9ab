"""What a number was measured on, and what has to be set there before any."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("embtune", "torch", "transformers", "sentence-transformers", "tokenizers", "datasets", "accelerate")
ISA = "ONEDNN_MAX_CPU_ISA"
# In the order they are tried: what oneDNN chooses by itself, then without AMX, then without AVX-512's bf16.
INSTRUCTION_SETS = (None, "AVX512_CORE_BF16", "AVX512_CORE")
_PRODUCT = "import torch; a = torch.ones(64, 64, dtype=torch.bfloat16); torch.nn.functional.linear(a, a)"


def describe() -> dict[str, str]:
    """Processor, cores, memory, GPU and versions, for a table's head."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB",
        "gpu": gpu_name() or "none",
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def gpu_name() -> str | None:
    """The first CUDA device, or None. Torch is imported only here."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def instruction_set(environment: Mapping[str, str]) -> str | None:
    """The value of `ISA` under which a bf16 product on this CPU comes back; None if it does without.

    Virtual machines may show AMX and kill who uses it, so each is asked of a process of its own.

    Raises:
        RuntimeError: under none of them.
    """
    for tried in INSTRUCTION_SETS:
        settings = dict(environment) if tried is None else {**environment, ISA: tried}
        if subprocess.run([sys.executable, "-c", _PRODUCT], env=settings, capture_output=True).returncode == 0:
            return tried
    raise RuntimeError("this machine computes no bf16 product under any instruction set; use --precision fp32")


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"

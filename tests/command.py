"""The command line as its users meet it: a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def run_embtune(
    *arguments: str | Path, python_options: Sequence[str] = (), cwd: Path = REPOSITORY, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `python -m embtune ARGUMENTS`; exit code, stdout and stderr are in the result."""
    command = [sys.executable, *python_options, "-m", "embtune", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=600, check=False)


def imported_packages(*arguments: str | Path) -> set[str]:
    """The top-level packages a run of `embtune ARGUMENTS` imports, by Python's own report of its imports."""
    result = run_embtune(*arguments, python_options=["-X", "importtime"])
    lines = result.stderr.splitlines()
    imports = [line for line in lines if line.startswith("import time:")]
    assert result.returncode == 0, [line for line in lines if line not in imports]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in imports}

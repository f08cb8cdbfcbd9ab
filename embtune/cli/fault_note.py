"""What a process leaves to its launcher when it ends of a fault that may pass: the file that torch elastic looks for.

`embtune train --max-restarts` starts a run again where there is one, and an outer torchrun shows its text. A mistake of
the user's leaves none: the next start would end the same way.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_FILE = "TORCHELASTIC_ERROR_FILE"  # named by the launcher, one for each process


def leave_note(text: str, environ: Mapping[str, str]) -> None:
    """Write the fault down, in the form of torch's own error handler; without a launcher, nothing."""
    named = environ.get(_FILE)
    if not named:
        return
    note = {"message": {"message": text, "extraInfo": {"timestamp": str(int(time.time()))}}}
    with suppress(OSError):  # whatever is wrong with the disk, the fault itself is on stderr
        Path(named).write_text(json.dumps(note), encoding="utf-8")

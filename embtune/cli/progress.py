"""The display a command line asks for."""

from __future__ import annotations

import os
import sys

from embtune.report.progress import Progress, ProgressMode, make_progress


def progress_for(asked: ProgressMode | None, quiet: bool) -> Progress:
    """On stderr: what was asked for, else silence with --quiet, else what fits the reader."""
    mode = asked or (ProgressMode.NONE if quiet else ProgressMode.AUTO)
    return make_progress(mode, sys.stderr, no_color=bool(os.environ.get("NO_COLOR")))

"""What was measured, on disk as soon as it is, so that a comparison that was stopped goes on where it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Results:
    """A JSON file: machine, equality, sweeps by workload, runs, growth."""

    def __init__(self, path: Path) -> None:
        """What the file holds already, if it is there."""
        self._path = path
        self.content: dict[str, Any] = {"machine": {}, "notes": [], "equality": {}, "sweeps": {}, "runs": []}
        if path.is_file():
            self.content.update(json.loads(path.read_text(encoding="utf-8")))

    def save(self) -> None:
        """Write the file whole, then put it in its place."""
        beside = self._path.with_suffix(".part")
        beside.write_text(json.dumps(self.content, indent=1), encoding="utf-8")
        os.replace(beside, self._path)

    def put(self, section: str, name: str, value: object) -> None:
        """Set one entry of a section and save."""
        self.content.setdefault(section, {})[name] = value
        self.save()

    def add_run(self, workload: str, tool: str, repeat: int, measured: dict[str, Any]) -> None:
        """Add one run and save."""
        self.content["runs"].append({"workload": workload, "tool": tool, "repeat": repeat, **measured})
        self.save()

    def has_run(self, workload: str, tool: str, repeat: int) -> bool:
        """Whether this very run is there."""
        wanted = (workload, tool, repeat)
        return any((run["workload"], run["tool"], run["repeat"]) == wanted for run in self.content["runs"])

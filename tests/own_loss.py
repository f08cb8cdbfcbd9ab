"""The loss of one's own that CONTRIBUTING shows, as a file and as an installed package."""

from __future__ import annotations

from pathlib import Path

from command import REPOSITORY

FILE = "my_losses.py"
NAME = "AlignmentLoss"
_PACKAGE = "Metadata-Version: 2.1\nName: own-losses\nVersion: 1.0\n"


def code() -> str:
    """The file, word for word."""
    section = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## A loss of your own\n")[2]
    return section.partition("```python\n")[2].partition("```")[0]


def write_file(folder: Path, text: str | None = None) -> Path:
    """The file, or another of its name, in `folder`."""
    path = folder / FILE
    path.write_text(code() if text is None else text, encoding="utf-8")
    return path


def install(folder: Path, text: str | None = None) -> Path:
    """`own-losses`, a package with the file behind an entry point, to be put on `PYTHONPATH`."""
    write_file(folder, text)
    metadata = folder / "own_losses-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(_PACKAGE, encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[embtune.losses]\nown = my_losses\n", encoding="utf-8")
    return folder

"""What `init` finds where the data is: rows to train on, rows to evaluate on, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from embtune.catalog import LossSpec
from embtune.catalog.roles import LABEL_ROLE
from embtune.config.parsing import is_writable
from embtune.config.sections.data import name_of
from embtune.config.words import OnBadRow
from embtune.data.examples import Examples, load_examples
from embtune.data.layout import Layout
from embtune.data.qrels import qrels_files
from embtune.data.readers.formats import file_kind
from embtune.data.readers.hub import HubDataset
from embtune.data.retrieval import is_retrieval_folder
from embtune.data.roles import detect_layout
from embtune.data.rows import read_rows, sample_rows
from embtune.data.sources import find_source
from embtune.errors import UsageError
from embtune.pipeline.collecting import located_at

_HUB_ROWS = 20_000  # of a dataset that comes over the network, where the first tell enough
_PARTS = (("train", r"train(ing)?"), ("eval", r"(dev|val|valid|validation|eval)"), ("test", r"test"))


@dataclass(frozen=True)
class Places:
    """Where rows are, as paths or a hub id. train: to train on; None where there are none. eval: to evaluate on."""

    train: str | None
    eval: str | None


@dataclass(frozen=True)
class Seen:
    """A dataset as it was read. is_whole: whether all of its rows were."""

    path: str
    name: str
    layout: Layout
    examples: Examples
    is_whole: bool

    @property
    def columns(self) -> dict[str, str]:
        """Role to column, the label's too."""
        label = {} if self.layout.label_column is None else {LABEL_ROLE: self.layout.label_column}
        return self.layout.columns | label

    @property
    def rows(self) -> str:
        """How many rows there are, in words."""
        return f"{len(self.examples):,} rows" if self.is_whole else f"more than {len(self.examples):,} rows"


def find_places(data: str) -> Places:
    """The parts of what the command line names: a folder may hold a set for training beside one for evaluation.

    Raises:
        UsageError: it is standard input, which a run could not read again, or has a name that cannot be written.
    """
    if data == "-":
        hint = "write the rows into a file, and name that"
        raise UsageError.of("no-path", "a config names its data, and standard input has no name", hint)
    if not is_writable(data):
        raise UsageError.of("bad-name", "the name of the data holds a character that no config can hold", "rename it")
    folder = Path(data).expanduser()
    if is_retrieval_folder(data):
        return Places(None, _judgements(folder))
    parts = _parts(folder) if folder.is_dir() else {}
    train = parts.get("train")
    return Places(train, parts.get("eval") or parts.get("test")) if train else Places(data, None)


def _judgements(folder: Path) -> str:
    """The folder, or the file of one of its splits where there are several."""
    files = qrels_files(folder) if folder.is_dir() else {}
    if len(files) < 2:
        return str(folder)
    by_part = {part: name for name in files for part, pattern in _PARTS if re.fullmatch(pattern, name)}
    return str(files[by_part.get("eval") or by_part.get("test") or next(iter(files))])


def _parts(folder: Path) -> dict[str, str]:
    """The data files and folders that are called as the parts of a dataset are: `train.jsonl`, `nq-dev`, `test`."""
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if not (path.is_dir() or file_kind(path.name)):
            continue
        words = re.split(r"[^a-z]+", path.name.partition(".")[0].lower())
        for part, pattern in _PARTS:
            if any(re.fullmatch(pattern, word) for word in words):
                found.setdefault(part, str(path))
    return found


def read_seen(path: str, wanted: Sequence[LossSpec] = ()) -> Seen:
    """Read a dataset whose roles are not declared, as training reads it.

    Args:
        wanted: the losses whose formats decide between several readings.

    Raises:
        ConfigError, DataError: there is no such data, its roles cannot be told, or too many of its rows are bad.
    """
    is_hub = isinstance(find_source(path, Path()), HubDataset)
    formats = [format for spec in wanted for format in spec.formats]
    with located_at(path):
        layout = detect_layout(sample_rows(path), formats)
        rows = islice(read_rows(path), _HUB_ROWS if is_hub else None)
        examples = load_examples(rows, layout, name_of(path), OnBadRow.SKIP)
    read = len(examples) + examples.rows_skipped
    return Seen(path, name_of(path), layout, examples, not is_hub or read < _HUB_ROWS)

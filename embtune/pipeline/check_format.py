"""`check-format`: a data source, or every dataset of a config, held against the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from embtune.catalog import Catalogue, LossSpec, installed
from embtune.catalog.listing import asked_specs
from embtune.catalog.taught import as_set
from embtune.config import DatasetConfig, LoadedConfig, TrainDatasetConfig, load_config
from embtune.config.sections.data import name_of
from embtune.config.tree import COMMAND_LINE
from embtune.data.retrieval import RetrievalSet, is_retrieval_folder, load_retrieval
from embtune.data.row import Row
from embtune.data.rows import STDIN, read_rows
from embtune.errors import Problem, UsageError
from embtune.pipeline.collecting import Key, all_of, located, located_at
from embtune.pipeline.data_report import DataReport, RowSource, report_on

CONFIG_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class RetrievalReport:
    """A retrieval folder that could be read: it is for evaluation, no loss takes it."""

    name: str
    path: str
    data: RetrievalSet
    ok: bool = True


Report = DataReport | RetrievalReport


def is_config(target: str) -> bool:
    """Whether a target is a config by its name; anything else is data."""
    return target.lower().endswith(CONFIG_SUFFIXES)


def check_data(
    target: str, loss: str | None = None, stdin: BinaryIO | None = None, good_rows: list[Row] | None = None
) -> Report:
    """Judge a file, glob, folder, hub dataset or standard input (`-`).

    Args:
        target: where the rows are.
        loss: the one loss to judge, or a file or module whose losses are judged; also decides between readings.
        stdin: standard input's bytes.
        good_rows: filled with the rows that can be used, where they are wanted.

    Raises:
        ConfigError, DataError: no such data, roles that cannot be told, no row that can be read.
        UsageError: the good rows of a retrieval folder are wanted.
    """
    asked = _asked(loss, installed())
    catalogue = installed().joined(asked)
    if target == STDIN:
        with located_at("<stdin>"):
            return report_on(RowSource("stdin", "<stdin>", read_rows(target, stdin=stdin)), asked, catalogue, good_rows)
    with located_at(target):
        if not is_retrieval_folder(target):
            return report_on(RowSource(name_of(target), target, read_rows(target)), asked, catalogue, good_rows)
        if good_rows is None:
            return RetrievalReport(name_of(target), target, load_retrieval(target))
    raise UsageError(Problem("no-rows-to-fix", f"{target} is a retrieval folder; --fix is for rows"))


def _asked(loss: str | None, catalogue: Catalogue) -> tuple[LossSpec, ...]:
    """The losses that `--loss` names."""
    with located_at(COMMAND_LINE):
        return tuple(asked_specs(loss, Path(), catalogue)) if loss else ()


def check_config(
    target: str, overrides: Sequence[str], environ: Mapping[str, str], loss: str | None = None
) -> list[Report]:
    """Judge every dataset of a config: training sets against their losses (or `loss`), evaluation sets alone.

    Raises:
        ConfigError, DataError: what is wrong with the config or makes any of its datasets unreadable, all at once.
    """
    loaded = load_config(target, overrides, environ)
    asked = _asked(loss, loaded.catalogue)
    data = loaded.config.data
    checks = [_check_one(loaded, ("data", "train", i), config, asked) for i, config in enumerate(data.train)]
    checks += [_check_one(loaded, ("data", "eval", i), config, asked) for i, config in enumerate(data.eval)]
    return list(all_of(checks))


def _check_one(
    loaded: LoadedConfig, key: Key, config: DatasetConfig, asked: Sequence[LossSpec]
) -> Callable[[], Report]:
    def check() -> Report:
        path = loaded.data_path(config.path)
        if is_retrieval_folder(path) and not isinstance(config, TrainDatasetConfig):
            with located(loaded, (*key, "path")):
                return RetrievalReport(config.name, config.path, load_retrieval(path))
        with located(loaded, (*key, "path")):
            rows = read_rows(path, loaded.base_dir)
        with located(loaded, (*key, "columns")):
            source = RowSource(config.name, config.path, rows, config.columns)
            return report_on(source, _judged(loaded, config, asked), loaded.catalogue)

    return check


def _judged(loaded: LoadedConfig, config: DatasetConfig, asked: Sequence[LossSpec]) -> Sequence[LossSpec]:
    if not isinstance(config, TrainDatasetConfig):
        return ()
    return asked or [
        as_set(entry.spec, entry.parameters) for entry in ((config.loss,) if config.loss else loaded.config.loss)
    ]

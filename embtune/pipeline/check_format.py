"""`check-format`: a data source, or every dataset of a config, held against the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from embtune.catalog import Catalogue, LossSpec, installed
from embtune.catalog.listing import asked_specs
from embtune.catalog.taught import as_set
from embtune.config import DatasetConfig, LoadedConfig, TrainDatasetConfig, load_config
from embtune.config.sections.data import name_of
from embtune.config.tree import COMMAND_LINE
from embtune.data.retrieval import is_retrieval_folder, load_retrieval
from embtune.data.row import Row
from embtune.data.rows import STDIN, read_rows
from embtune.data.writing import check_output, row_writer
from embtune.errors import Problem, UsageError
from embtune.pipeline.collecting import Key, all_of, located, located_at
from embtune.pipeline.data_report import DataReport, Report, RetrievalReport, RowSource, report_on
from embtune.pipeline.data_source import open_source
from embtune.pipeline.several_sets import across_sets
from embtune.pipeline.token_lengths import with_lengths
from embtune.report.progress import Progress

CONFIG_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Fix:
    """Where the rows that can be used go: a file, or `-` for `stdout`."""

    out: str
    stdout: BinaryIO


def is_config(target: str) -> bool:
    """Whether a target is a config by its name; anything else is data."""
    return target.lower().endswith(CONFIG_SUFFIXES)


def check_data(
    target: str, progress: Progress, loss: str | None = None, stdin: BinaryIO | None = None, fix: Fix | None = None
) -> Report:
    """Judge a file, glob, folder, hub dataset or standard input (`-`).

    Args:
        target: where the rows are.
        progress: told how many rows were read.
        loss: the one loss to judge, or a file or module whose losses are judged; also decides between readings.
        stdin: standard input's bytes.
        fix: written with the rows that can be used, as they are read.

    Raises:
        ConfigError, DataError: no such data, roles that cannot be told, no row that can be read.
        UsageError: the good rows of a retrieval folder are wanted, or the file they go to cannot be written.
    """
    asked = _asked(loss, installed())
    catalogue = installed().joined(asked)
    shown = "<stdin>" if target == STDIN else target
    with located_at(shown):
        if target != STDIN and is_retrieval_folder(target):
            if fix is not None:
                raise UsageError(Problem("no-rows-to-fix", f"{target} is a retrieval folder; --fix is for rows"))
            return RetrievalReport(name_of(target), target, load_retrieval(target))
        name = "stdin" if target == STDIN else name_of(target)
        return _judged(RowSource(name, shown, read_rows(target, stdin=stdin)), asked, catalogue, progress, fix)


def _judged(
    source: RowSource, asked: Sequence[LossSpec], catalogue: Catalogue, progress: Progress, fix: Fix | None = None
) -> DataReport:
    with ExitStack() as stack:
        keep = None if fix is None else _keeper(fix, stack)
        advance = stack.enter_context(progress.stage(f"reading {source.name}"))
        return report_on(source, asked, catalogue, keep, advance)


def _keeper(fix: Fix, stack: ExitStack) -> Callable[[Row], None]:
    """What writes a row, until the stack is closed."""
    check_output(fix.out)
    sink = stack.enter_context(row_writer(fix.out, fix.stdout))
    return lambda row: sink.write(row.values)


def _asked(loss: str | None, catalogue: Catalogue) -> tuple[LossSpec, ...]:
    """The losses that `--loss` names."""
    with located_at(COMMAND_LINE):
        return tuple(asked_specs(loss, Path(), catalogue)) if loss else ()


def check_config(
    target: str, overrides: Sequence[str], environ: Mapping[str, str], progress: Progress, loss: str | None = None
) -> list[Report]:
    """Judge every dataset of a config: training sets against their losses (or `loss`), evaluation sets alone.

    What they have in common is told too, and how many tokens their texts are for the config's model, of which the
    tokenizer alone is read.

    Raises:
        ConfigError, DataError: what is wrong with the config or makes any of its datasets unreadable, all at once.
    """
    loaded = load_config(target, overrides, environ)
    asked = _asked(loss, loaded.catalogue)
    configs: list[tuple[Key, DatasetConfig]] = [
        *((("data", "train", number), each) for number, each in enumerate(loaded.config.data.train)),
        *((("data", "eval", number), each) for number, each in enumerate(loaded.config.data.eval)),
    ]
    reports = all_of(_check_one(loaded, key, each, asked, progress) for key, each in configs)
    trained = len(loaded.config.data.train)
    measured = with_lengths(loaded, [config for _, config in configs], reports)
    return across_sets(measured[:trained], measured[trained:])


def _check_one(
    loaded: LoadedConfig, key: Key, config: DatasetConfig, asked: Sequence[LossSpec], progress: Progress
) -> Callable[[], Report]:
    def check() -> Report:
        path = loaded.data_path(config.path)
        if config.convert is not None:
            made = open_source(loaded, key, config, None).made_rows()
            with located(loaded, (*key, "convert")):
                source = RowSource(config.name, config.path, made)
                return _judged(source, _specs(loaded, config, asked), loaded.catalogue, progress)
        if is_retrieval_folder(path) and not isinstance(config, TrainDatasetConfig):
            with located(loaded, (*key, "path")):
                return RetrievalReport(config.name, config.path, load_retrieval(path))
        with located(loaded, (*key, "path")):
            rows = read_rows(path, loaded.base_dir)
        with located(loaded, (*key, "columns")):
            is_held_out = not isinstance(config, TrainDatasetConfig)
            source = RowSource(config.name, config.path, rows, config.columns, is_held_out)
            return _judged(source, _specs(loaded, config, asked), loaded.catalogue, progress)

    return check


def _specs(loaded: LoadedConfig, config: DatasetConfig, asked: Sequence[LossSpec]) -> Sequence[LossSpec]:
    """The losses that a dataset is held against: none where it is evaluated on."""
    if not isinstance(config, TrainDatasetConfig):
        return ()
    return asked or [
        as_set(entry.spec, entry.parameters) for entry in ((config.loss,) if config.loss else loaded.config.loss)
    ]

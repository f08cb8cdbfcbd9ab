"""One dataset of a config, its roles known: as it is, or as `convert` makes it. Rows are read when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from embtune.catalog import Format
from embtune.config import LoadedConfig
from embtune.config.sections.convert import ConvertConfig
from embtune.config.sections.data import DatasetConfig
from embtune.data.conversions.tally import Tally
from embtune.data.converting import (
    Converted,
    Plan,
    Wish,
    converted_examples,
    converted_retrieval,
    layout_of,
    plan_retrieval,
    plan_rows,
    roles_of_made,
)
from embtune.data.examples import Examples, load_examples
from embtune.data.layout import Layout
from embtune.data.retrieval import is_retrieval_folder, load_retrieval
from embtune.data.roles import declared_layout, detect_layout
from embtune.data.row import Row, Rows
from embtune.data.rows import read_rows, sample_rows
from embtune.data.split import SPLIT_SEED, hold_out
from embtune.pipeline.collecting import Key, located


@dataclass(frozen=True)
class Part:
    """Rows of a dataset in memory, and how they came about. layout: of these rows."""

    layout: Layout
    examples: Examples
    converted: Converted | None = None


@dataclass(frozen=True)
class DataSource:
    """A dataset whose roles are known.

    key: of the config that names it. layout: of the rows as they are used, after a conversion those of its target.
    sample: the first rows as they are in the data; none of a retrieval folder. plan: None without a conversion.
    """

    loaded: LoadedConfig
    key: Key
    config: DatasetConfig
    layout: Layout
    sample: Sequence[Row] = ()
    plan: Plan | None = None

    def load(self, class_names: Sequence[str] | None = None) -> Part:
        """All rows.

        Args:
            class_names: the classes of the training data, for data that is judged by its model.

        Raises:
            ConfigError, DataError: the data cannot be read, holds bad rows, or does not yield what is wanted.
        """
        if self.plan is None:
            return Part(self.layout, self._read(self.layout, class_names))
        tally = Tally()
        return self._collected(self.plan, self._made(self.plan, tally), tally)

    def made_rows(self) -> Rows:
        """The rows as they are used; those that a conversion makes have columns named as their roles.

        Raises:
            ConfigError, DataError: as `load`.
        """
        if self.plan is None:
            return read_rows(self.config.path, self.loaded.base_dir)
        return self._made(self.plan, Tally())

    def load_parted(self, rows: int | None) -> tuple[Part, Part | None]:
        """All rows, and about `rows` of them held out: the same for all seeds, so that runs can be compared.

        What is converted is parted before, so that no text of one part gets into the other.

        Raises:
            ConfigError, DataError: as `load`; or so many rows cannot be held out.
        """
        if rows is None:
            return self.load(), None
        plan = self.plan
        if plan is None or plan.layout is None:
            whole = self.load()
            kept, held = self._parted(whole.examples, rows)
            return Part(whole.layout, kept, whole.converted), Part(whole.layout, held, whole.converted)
        kept, held = self._parted(self._read(plan.layout), rows)
        return self._part(plan, kept), self._part(plan, held)

    def _read(self, layout: Layout, class_names: Sequence[str] | None = None) -> Examples:
        loaded, config = self.loaded, self.config
        with located(loaded, (*self.key, "path")):
            rows = read_rows(config.path, loaded.base_dir)
            return load_examples(rows, layout, config.name, loaded.config.data.on_bad_row, class_names=class_names)

    def _parted(self, examples: Examples, rows: int) -> tuple[Examples, Examples]:
        with located(self.loaded, (*self.key, "hold_out")):
            return hold_out(examples, rows, SPLIT_SEED, self.config.name)

    def _part(self, plan: Plan, examples: Examples) -> Part:
        tally = Tally()
        return self._collected(plan, converted_examples(examples, plan, tally), tally)

    def _made(self, plan: Plan, tally: Tally) -> Rows:
        if plan.layout is not None:
            return converted_examples(self._read(plan.layout), plan, tally)
        with located(self.loaded, (*self.key, "path")):
            path = self.loaded.data_path(self.config.path)
            folder = load_retrieval(path, on_bad_row=self.loaded.config.data.on_bad_row)
        return converted_retrieval(folder, plan, tally)

    def _collected(self, plan: Plan, rows: Rows, tally: Tally) -> Part:
        with located(self.loaded, (*self.key, "convert")):
            first = next(rows)
            layout = layout_of(plan, roles_of_made(first))
            examples = load_examples(chain([first], rows), layout, self.config.name)
        return Part(layout, replace(examples, rows_skipped=tally.skipped), Converted(plan, tally))


def open_source(loaded: LoadedConfig, key: Key, config: DatasetConfig, wanted: Sequence[Format] | None) -> DataSource:
    """Look at the first rows.

    Args:
        wanted: the formats that the loss takes, which decide between readings; a conversion decides by itself.

    Raises:
        ConfigError, DataError: there is no such data, its roles cannot be told, or `convert` cannot make what it names.
    """
    if config.convert is not None and is_retrieval_folder(loaded.data_path(config.path)):
        with located(loaded, (*key, "convert")):
            plan = plan_retrieval(_wish(loaded, config.convert))
        return DataSource(loaded, key, config, layout_of(plan, plan.way.target.roles), (), plan)
    with located(loaded, (*key, "path")):
        sample = sample_rows(config.path, loaded.base_dir)
    if config.convert is None:
        return DataSource(loaded, key, config, _layout(loaded, key, config, sample, wanted), sample)
    with located(loaded, (*key, "convert")):
        plan = plan_rows(_wish(loaded, config.convert), sample, config.columns)
    return DataSource(loaded, key, config, layout_of(plan, plan.way.target.roles), sample, plan)


def _wish(loaded: LoadedConfig, convert: ConvertConfig) -> Wish:
    return Wish(convert.to, convert.options(), loaded.config.seed)


def _layout(
    loaded: LoadedConfig, key: Key, config: DatasetConfig, sample: Sequence[Row], wanted: Sequence[Format] | None
) -> Layout:
    with located(loaded, (*key, "columns")):
        if config.columns is None:
            return detect_layout(sample, wanted)
        return declared_layout(config.columns, sample, wanted)

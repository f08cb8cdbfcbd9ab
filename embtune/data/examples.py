"""A dataset in memory: each distinct text once, and rows as integer ids into them.

Legend: N rows, K numbers a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from embtune.catalog.spec import LabelKind
from embtune.config.words import OnBadRow
from embtune.data.bad_rows import SKIP_LIMIT, BadRows
from embtune.data.collector import RowCollector
from embtune.data.labels import LabelArray
from embtune.data.layout import Layout
from embtune.data.places import Places
from embtune.data.row import Row
from embtune.errors import DataError, Location, Problem


@dataclass(frozen=True, eq=False)
class Examples:
    """All rows of one dataset.

    name: the dataset's name, for messages and metric keys.
    roles: in order; a list of negatives is `negative_1..n` with n of the longest list.
    texts: the distinct texts in order of first use, verbatim.
    text_ids: role -> (N,) int32 index into `texts`; -1 where a row has fewer negatives.
    labels: class and binary (N,) int64; score (N,) float32; margin (N,) or (N, K) float32, scores (N, K) float32,
        padded with 0 where negatives are absent; vectors (N, K) or (N, texts, K) float32; None without a label.
    class_names: class number -> name as in the data; () where the label is no class.
    places: where the rows stand in their files; None for rows made by hand.
    rows_skipped: bad rows that were left out.
    """

    name: str
    roles: tuple[str, ...]
    texts: Sequence[str]
    text_ids: Mapping[str, NDArray[np.int32]]
    labels: LabelArray | None = None
    label_kind: LabelKind = LabelKind.NONE
    class_names: tuple[str, ...] = ()
    places: Places | None = field(default=None, repr=False)
    rows_skipped: int = 0

    def __len__(self) -> int:
        return len(self.text_ids[self.roles[0]])

    def location(self, row: int) -> Location:
        """Where a row stands: file and line (in parquet and Arrow files the row's number)."""
        return self.places.location(row) if self.places else Location(self.name, row + 1)

    def text(self, row: int, role: str) -> str | None:
        """One text; None where the row lacks it."""
        index = int(self.text_ids[role][row])
        return self.texts[index] if index >= 0 else None

    @cached_property
    def ids(self) -> NDArray[np.int32]:
        """(N, roles) int32, all roles' text ids side by side."""
        return np.stack([self.text_ids[role] for role in self.roles], axis=1)

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits of the content: roles, texts, labels and the order of rows. Not of name or place."""
        digest = blake2b(digest_size=16)
        digest.update(repr((self.roles, self.label_kind.value, self.class_names, self.ids.shape)).encode())
        for text in self.texts:
            encoded = text.encode()
            digest.update(len(encoded).to_bytes(8, "little"))
            digest.update(encoded)
        digest.update(self.ids.astype("<i4").tobytes())
        if self.labels is not None:
            digest.update(repr((self.labels.shape, self.labels.dtype.kind)).encode())
            digest.update(self.labels.astype(self.labels.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()

    def select(self, rows: NDArray[np.int64], name: str | None = None) -> Examples:
        """Some rows, in the order given, as a dataset of its own with only the texts they use.

        All rows in their order give an equal fingerprint. Classes keep their numbers, even those no row has any more.
        """
        used, ids = _compact(self.ids[rows])
        return Examples(
            name=name or self.name,
            roles=self.roles,
            texts=[self.texts[i] for i in used.tolist()],
            text_ids={role: np.ascontiguousarray(ids[:, i]) for i, role in enumerate(self.roles)},
            labels=None if self.labels is None else self.labels[rows],
            label_kind=self.label_kind,
            class_names=self.class_names,
            places=self.places and self.places.select(rows),
            rows_skipped=self.rows_skipped,
        )


def load_examples(
    rows: Iterable[Row],
    layout: Layout,
    name: str,
    on_bad_row: OnBadRow = OnBadRow.ERROR,
    skip_limit: float = SKIP_LIMIT,
    class_names: Sequence[str] | None = None,
) -> Examples:
    """Read all rows of a dataset into memory.

    Args:
        layout: which column plays which role; other columns are not looked at.
        on_bad_row: whether a row that cannot be used is an error or is left out and counted.
        skip_limit: the share of rows that may be left out.
        class_names: the classes of the training data, for data that is judged by its model; None numbers those found.

    Raises:
        DataError: rows that cannot be used (the first ten, and how many in all), or no row at all.
    """
    collector = RowCollector(layout, class_names)
    bad = BadRows(name, on_bad_row, skip_limit)
    total = 0
    for row in rows:
        total += 1
        problem = row.problem or collector.add(row)
        if problem:
            bad.add(problem)
    if total == 0:
        raise DataError(Problem("no-rows", f"dataset {name!r} has no rows"))
    bad.check(total - bad.count, collector.remark())
    roles, text_ids = collector.columns()
    labels, names = collector.labels()
    return Examples(
        name=name,
        roles=roles,
        texts=collector.texts(),
        text_ids=text_ids,
        labels=labels,
        label_kind=layout.label,
        class_names=names,
        places=collector.places(),
        rows_skipped=bad.count,
    )


def _compact(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The ids in use in order of first use, and (N, roles) the same rows renumbered by it."""
    flat = ids.reshape(-1)
    values, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
    order = np.argsort(np.where(values < 0, -1, first), kind="stable")  # -1, if there, comes first
    absent = int(values.size > 0 and values[0] < 0)
    rank = np.empty(len(values), dtype=np.int32)
    rank[order] = np.arange(-absent, len(values) - absent, dtype=np.int32)
    return values[order][absent:], rank[inverse.reshape(-1)].reshape(ids.shape)

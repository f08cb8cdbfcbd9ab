"""The texts and the label of a row, as the layout names them, checked."""

from __future__ import annotations

from collections.abc import Sequence

from embtune.catalog.roles import LABEL_ROLE
from embtune.data.bad_rows import BadValueError
from embtune.data.labels import Labels, labels_of
from embtune.data.layout import Layout
from embtune.data.row import Row
from embtune.data.texts import TextColumns, in_role, missing_column


class RowReader:
    """Reads rows one by one.

    Args:
        layout: which column plays which role.
        class_names: the classes of the training data, for data that its model is judged by.
    """

    def __init__(self, layout: Layout, class_names: Sequence[str] | None = None) -> None:
        self.columns = TextColumns(layout.columns)
        self.labels: Labels | None = labels_of(layout.label, layout.roles, class_names)
        self._label_column = layout.label_column

    def read(self, row: Row) -> tuple[list[str | None], object]:
        """The texts in role order, those of a list last, and the label as its `Labels` casts it; None without one.

        Raises:
            BadValueError: a cell that cannot be used.
        """
        texts = self.columns.read(row.values)
        return texts, None if self.labels is None else self._label(self.labels, row, texts)

    def _label(self, labels: Labels, row: Row, texts: Sequence[str | None]) -> object:
        column = self._label_column
        if column is None:
            return None
        if column not in row.values:
            raise missing_column(LABEL_ROLE, column, row.values)
        try:
            return labels.cast(row.values[column], self.columns.count_negatives(texts))
        except BadValueError as error:
            raise in_role(error, LABEL_ROLE, column) from error

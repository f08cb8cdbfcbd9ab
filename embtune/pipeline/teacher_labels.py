"""A teacher's labels for rows of texts, in the forms in which distillation losses read them.

Legend: N pairs, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embtune.catalog.formats import PAIR, roles_fit
from embtune.catalog.spec import LabelKind
from embtune.errors import ModelError
from embtune.pipeline.teachers import Teacher, VectorTeacher

Texts = Sequence[str | None]  # of a row, in the order of the roles; None is a negative that the row lacks
_STAND_IN_WIDTH = 4


@dataclass(frozen=True)
class LabelForm:
    """What a row's label is.

    kind: vectors, margins or scores.
    roles: of the texts of a row; `negatives` is a list of them.
    """

    kind: LabelKind
    roles: tuple[str, ...]

    @property
    def is_plain(self) -> bool:
        """Whether a label is one number or one vector, and no list of them."""
        if self.kind is LabelKind.VECTOR:
            return len(self._embedded) == 1
        return self.kind is LabelKind.MARGIN and self.roles[-1] == "negative"

    @property
    def _embedded(self) -> tuple[str, ...]:
        """The roles of the texts that the teacher embeds: of a pair, such as a text and its translation, the first."""
        return self.roles[:1] if roles_fit(PAIR.roles, self.roles) else self.roles

    def labels(self, rows: Sequence[Texts], teacher: Teacher) -> list[object]:
        """Of each row a float32 scalar, an array (D,) or (passages,), or a list of arrays (D,).

        Raises:
            ModelError: the teacher gives something that is not finite.
        """
        if self.kind is not LabelKind.VECTOR:
            return self._of_scores(rows, _finite(teacher.scores(_pairs(rows))))
        assert isinstance(teacher, VectorTeacher), "it was loaded to embed texts"
        places = [self.roles.index(role) for role in self._embedded]
        asked = [(self.roles[place], row[place] or "") for row in rows for place in places]
        vectors, numbers = teacher.vectors(asked)
        return self._cut(_finite(vectors)[numbers], [len(places)] * len(rows))

    def stand_ins(self, rows: Sequence[Texts]) -> list[object]:
        """Numbers of the right shapes, by no teacher."""
        if self.kind is not LabelKind.VECTOR:
            return self._of_scores(rows, np.linspace(0, 1, len(_pairs(rows)), dtype=np.float32))
        vectors = np.full((len(rows) * len(self._embedded), _STAND_IN_WIDTH), 0.5, dtype=np.float32)
        return self._cut(vectors, [len(self._embedded)] * len(rows))

    def _of_scores(self, rows: Sequence[Texts], scores: np.ndarray) -> list[object]:
        """scores: (N,) of all passages of all rows, one row after the other."""
        each = np.split(scores, np.cumsum([len(_passages(row)) for row in rows])[:-1])
        if self.kind is LabelKind.SCORES:
            return list(each)
        margins = [row[0] - row[1:] for row in each]
        return self._cut(np.concatenate(margins), [len(row) for row in margins])

    def _cut(self, values: np.ndarray, lengths: Sequence[int]) -> list[object]:
        """values: (sum of lengths, ...), cut into one label a row."""
        each = np.split(values, np.cumsum(lengths)[:-1])
        return [row[0] if self.is_plain else row if row.ndim == 1 else list(row) for row in each]


def _passages(row: Texts) -> list[str]:
    """The positive, and those negatives that are there."""
    return [text for text in row[1:] if text is not None]


def _pairs(rows: Sequence[Texts]) -> list[tuple[str, str]]:
    """Each passage beside its query, row after row."""
    return [(row[0] or "", passage) for row in rows for passage in _passages(row)]


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        message = "the teacher gives numbers that are NaN or infinite"
        raise ModelError.of("non-finite-embedding", message, "Its weights are damaged or diverged.")
    return values

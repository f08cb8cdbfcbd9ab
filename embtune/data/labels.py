"""The collector of labels for each kind of label."""

from __future__ import annotations

from collections.abc import Sequence

from embtune.catalog.spec import LabelKind
from embtune.data.class_labels import BinaryLabels, ClassLabels
from embtune.data.label_base import LabelArray, Labels
from embtune.data.number_labels import PassageLabels, ScoreLabels, VectorLabels

__all__ = ["LabelArray", "Labels", "labels_of"]


def labels_of(kind: LabelKind, roles: Sequence[str], class_names: Sequence[str] | None = None) -> Labels | None:
    """The collector for a kind of label; None for no label.

    Args:
        roles: the row's text roles; a lone `negative` makes margins one number a row.
        class_names: the classes of the training data, when this is data that its model is judged by.
    """
    match kind:
        case LabelKind.NONE:
            return None
        case LabelKind.CLASS:
            return ClassLabels(class_names)
        case LabelKind.BINARY:
            return BinaryLabels()
        case LabelKind.SCORE:
            return ScoreLabels()
        case LabelKind.VECTOR:
            return VectorLabels(texts=len(roles))
        case LabelKind.MARGIN:
            return PassageLabels(extra=0, single="negative" in roles)
        case LabelKind.SCORES:
            return PassageLabels(extra=1, single=False)

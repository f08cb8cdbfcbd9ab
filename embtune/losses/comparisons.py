"""What each row is compared with in a ranking loss, by direction, as comparisons of tables.

Table 0 holds the queries, table 1 the positives, table 2 and on the negatives. Legend: B rows, R rows of a block.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor

from embtune.catalog.choices import Direction, HardnessMode
from embtune.losses.row_softmax import Adjust, Comparison, leave_out, leave_out_own, own_logits

_QUERIES, _POSITIVES, _FIRST_NEGATIVES = 0, 1, 2
_FROM_QUERY = frozenset({Direction.QUERY_TO_DOC, Direction.QUERY_TO_QUERY})
_TO_DOCUMENTS = frozenset({Direction.QUERY_TO_DOC, Direction.DOC_TO_DOC})
_WITHOUT_OWN = frozenset({Direction.QUERY_TO_QUERY, Direction.DOC_TO_DOC})  # no text is told apart from its own row's


def comparisons(
    direction: Direction, presence: list[Tensor | None], hardness: HardnessMode | None, factor: float
) -> list[Comparison]:
    """The comparisons of one direction, positives first.

    Args:
        presence: by table, (B,) bool, which rows have such a text; None where all have.
        hardness: which negatives of `query_to_doc` are weighted by their nearness; None for none.
        factor: what their logits are multiplied by.
    """
    left = _QUERIES if direction in _FROM_QUERY else _POSITIVES
    rights = range(_POSITIVES, len(presence)) if direction in _TO_DOCUMENTS else [_QUERIES]
    hardened = hardness if direction is Direction.QUERY_TO_DOC else None
    found = []
    for right in rights:
        adjust = [] if hardened is None else _hardening(hardened, right, factor)
        adjust += [leave_out_own] if direction in _WITHOUT_OWN else []
        there = presence[right]
        adjust += [] if there is None else [partial(leave_out, ~there)]
        found.append(Comparison(left, right, tuple(adjust)))
    return found


def _hardening(mode: HardnessMode, right: int, factor: float) -> list[Adjust]:
    is_negatives = right >= _FIRST_NEGATIVES
    if mode is HardnessMode.HARD_NEGATIVES:
        return [partial(_multiply_own, factor)] if is_negatives else []
    if mode is HardnessMode.ALL_NEGATIVES and is_negatives:
        return [partial(_multiply, factor)]
    return [partial(_multiply, factor), partial(_multiply_own, 1 / factor)]  # those of other rows


def _multiply(factor: float, block: slice, tile_RB: Tensor) -> None:
    tile_RB.mul_(factor)


def _multiply_own(factor: float, block: slice, tile_RB: Tensor) -> None:
    own_logits(block, tile_RB).mul_(factor)

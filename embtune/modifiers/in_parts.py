"""A loss whose rows do not interact, beside one whose rows do: scored some rows at a time, so that memory is bounded.

Legend: L layers, B rows, T tokens, D width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from embtune.losses.objective import NO_TOKEN, Batch, Objective

TARGETS_AT_ONCE = 2048  # tokens that a decoder writes at once: its activations are some hundred kilobytes each


def terms_in_parts(loss: Objective, batch: Batch, targets_at_once: int = TARGETS_AT_ONCE) -> dict[str, Tensor]:
    """The terms of a `Coupling.ROWS` loss on a batch with targets; its parts add up to them.

    Where there is more than one part, each is computed again for its gradient, under the same dropout masks, and only
    one at a time has activations in memory.

    Args:
        loss: the objective.
        batch: rows with token ids that a decoder rebuilds.
        targets_at_once: tokens, padding too, that one part may have; a longer text goes alone.
    """
    parts = list(_parts(batch, targets_at_once))
    if len(parts) == 1:
        return loss.terms(batch)
    total: dict[str, Tensor] = {}
    for part in parts:
        # the embeddings go in as arguments, so that autograd sees them; a decoder's parameters are the loss's own
        found: dict[str, Tensor] = checkpoint(_terms_of, loss, part, part.embeddings, use_reentrant=False)
        total = {name: value + total[name] if total else value for name, value in found.items()}
    return total


def _terms_of(loss: Objective, part: Batch, embeddings: Mapping[object, Tensor]) -> dict[str, Tensor]:
    return loss.terms(part)


def _parts(batch: Batch, targets_at_once: int) -> Iterator[Batch]:
    """Runs of rows, each with as few columns of targets as its longest needs."""
    longest = max(ids.shape[1] for ids in batch.targets.values())
    rows = max(1, targets_at_once // longest)
    for start in range(0, max(1, batch.size), rows):
        yield _rows_of(batch, slice(start, start + rows))


def _rows_of(batch: Batch, rows: slice) -> Batch:
    """Some rows of a batch, as a share of the whole step."""
    return replace(
        batch,
        embeddings={view: table_LBD[:, rows] for view, table_LBD in batch.embeddings.items()},
        labels=None if batch.labels is None else batch.labels[rows],
        present={role: mask_B[rows] for role, mask_B in batch.present.items()},
        frozen={view: table_BD[rows] for view, table_BD in batch.frozen.items()},
        targets={view: _without_padding(ids_BT[rows]) for view, ids_BT in batch.targets.items()},
        size=len(range(batch.size)[rows]),
        whole=batch.whole or batch,
    )


def _without_padding(ids_BT: Tensor) -> Tensor:
    """Without the columns at the end that no row has a token in; one column stays."""
    used = torch.nonzero((ids_BT != NO_TOKEN).any(dim=0))
    return ids_BT[:, : int(used.max()) + 1 if len(used) else 1]

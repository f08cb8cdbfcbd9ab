"""The guided losses as plain loops over rows and the texts they are compared with, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from loss_reference import Columns, Presence, cosine, log_of_sum, mean
from torch import Tensor

GUIDE_WIDTH = 5  # another than the model's


def guide_table(columns: int, rows: int) -> Tensor:
    """(V, B, GUIDE_WIDTH) float32: what the guide makes of the texts, by column and row. No two similarities are near.

    Its rows come in pairs of alike texts, so that some of a row's negatives are false ones.
    """
    generator = torch.Generator().manual_seed(10 * columns + rows)
    shared = torch.randn(1, rows, GUIDE_WIDTH, generator=generator)
    shared = shared[:, torch.arange(rows) // 2]
    return shared + 0.7 * torch.randn(columns, rows, GUIDE_WIDTH, generator=generator)


def gist_embed(
    columns: Columns,
    *,
    guide: str = "guide",
    temperature: float = 0.01,
    margin_strategy: str = "absolute",
    margin: float = 0.0,
    contrast_anchors: bool = True,
    contrast_positives: bool = True,
    present: Presence | None = None,
    guides: Columns | None = None,
) -> Tensor:
    assert guide
    if guides is None:
        table = guide_table(len(columns), len(columns["anchor"])).double()
        guides = {role: list(vectors) for role, vectors in zip(columns, table, strict=True)}
    losses = []
    for row in range(len(columns["anchor"])):
        own = cosine(guides["anchor"][row], guides["positive"][row])
        limit = own - (margin if margin_strategy == "absolute" else margin * abs(own))
        pairs = _compared(columns, row, contrast_anchors, contrast_positives)
        positive = cosine(columns["anchor"][row], columns["positive"][row]) / temperature
        logits = [positive]
        for left, right, other in pairs:
            there = present is None or right not in present or present[right][other]
            if there and cosine(guides[left][row], guides[right][other]) <= limit:
                logits.append(cosine(columns[left][row], columns[right][other]) / temperature)
        losses.append(log_of_sum(logits) - positive)
    return mean(losses)


def _compared(columns: Columns, row: int, anchors: bool, positives: bool) -> list[tuple[str, str, int]]:
    """(role of the row's text, role and row of the text it is told apart from), before the guide has its say."""
    rows = range(len(columns["anchor"]))
    others = [other for other in rows if other != row]
    negatives = [role for role in columns if role.startswith("negative")]
    pairs = [("anchor", "positive", other) for other in others]
    pairs += [("anchor", "anchor", other) for other in others if anchors]
    pairs += [("positive", "positive", other) for other in others if positives]
    return pairs + [("anchor", role, other) for role in negatives for other in rows]


LOSSES: Mapping[str, Callable[..., Tensor]] = {"GISTEmbedLoss": gist_embed, "CachedGISTEmbedLoss": gist_embed}
GUIDED: Sequence[str] = tuple(LOSSES)

"""The loss stage of GISTEmbed beside its matrix products alone: time, and memory at the peak.

    OMP_NUM_THREADS=1 python scripts/bench/gist.py [--rows 4096] [--width 768] [--guide-width 768] [--repeats 5]

First the loss is held against the formula written out over whole matrices. Then both are timed in turns, forward and
backward: the loss stage as a training step runs it, and the products it cannot do without (of the model's vectors, of
their gradients, of the guide's vectors), in the same blocks. Memory is what the process grows by, as its system says.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from embtune.catalog.entries.gist_embed import GISTEmbedParameters
from embtune.losses.gist_embed import GISTEmbed
from embtune.losses.objective import Batch, View, guide_tower

ROLES, GUIDE = ("anchor", "positive"), "guide"
TARGET_SECONDS, TARGET_BYTES = 3.0, 1e9


def vectors(rows: int, width: int, seed: int) -> list[Tensor]:
    """Anchors and positives (B, D) that are alike row by row."""
    generator = torch.Generator().manual_seed(seed)
    shared, *own = (torch.randn(rows, width, generator=generator) for _ in range(3))
    return [shared + each for each in own]


def loss_stage(
    columns: list[Tensor], guide: list[Tensor], row_block: int, margin: float
) -> tuple[Tensor, list[Tensor]]:
    """Value and gradients, as a training step takes them."""
    leaves = [column.detach()[None].requires_grad_() for column in columns]
    frozen = {View(role, guide_tower(GUIDE)): table for role, table in zip(ROLES, guide, strict=True)}
    views = {View(role): leaf for role, leaf in zip(ROLES, leaves, strict=True)}
    batch = Batch(views, size=len(columns[0]), row_block=row_block, frozen=frozen)
    objective = GISTEmbed(GISTEmbedParameters(guide=GUIDE, margin=margin))
    value = objective.terms(batch)["gist_embed"]
    value.backward()  # type: ignore[no-untyped-call]
    return value.detach(), [leaf.grad[0] for leaf in leaves if leaf.grad is not None]


def whole_matrices(columns: list[Tensor], guide: list[Tensor], margin: float) -> tuple[Tensor, list[Tensor]]:
    """The same from the formula, over whole matrices."""
    leaves = [column.detach().requires_grad_() for column in columns]
    a, p = (torch.nn.functional.normalize(leaf) for leaf in leaves)
    g, h = (torch.nn.functional.normalize(table) for table in guide)
    own = torch.eye(len(a), dtype=torch.bool)
    limits = (g * h).sum(dim=1, keepdim=True) - margin
    left_out = torch.cat([(g @ h.T > limits) & ~own, (g @ g.T > limits) | own, (h @ h.T > limits) | own], dim=1)
    logits = 100 * torch.cat([a @ p.T, a @ a.T, p @ p.T], dim=1)
    value = torch.nn.functional.cross_entropy(logits.masked_fill(left_out, -torch.inf), torch.arange(len(a)))
    return value.detach(), list(torch.autograd.grad(value, leaves))


def products(columns: list[Tensor], guide: list[Tensor], row_block: int) -> None:
    """The products of the loss stage and nothing else: forward, both gradients, and the guide's."""
    a, p = columns
    left, right = torch.cat([p, a]), p
    for start in range(0, len(a), row_block):
        block = slice(start, start + row_block)
        for rows, candidates in ((a[block], left), (p[block], right)):
            scores = rows @ candidates.T
            scores @ candidates  # the gradient of the rows
            scores.T @ rows  # the gradient of the candidates
        g, h = guide
        g[block] @ torch.cat([h, g]).T
        h[block] @ h.T


def check(row_block: int) -> float:
    """Largest relative difference to the formula, of the value and of any gradient."""
    columns, guide = vectors(96, 16, seed=0), vectors(96, 12, seed=1)
    found, gradients = loss_stage(columns, guide, min(row_block, 40), margin=0.05)
    wanted, goals = whole_matrices(columns, guide, margin=0.05)
    apart = [(a - b).abs().max() / b.abs().max() for a, b in zip(gradients, goals, strict=True)]
    return float(torch.stack([(found - wanted).abs() / wanted, *apart]).max())


def seconds(action: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def peak() -> int:
    """Bytes that the process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Check, measure, print, and fail where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("rows", 4096), ("width", 768), ("guide-width", 768), ("repeats", 5), ("row-block", 1024)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    difference = check(asked.row_block)
    print(f"largest relative difference to whole matrices: {difference:.1e}")
    columns, guide = vectors(asked.rows, asked.width, seed=0), vectors(asked.rows, asked.guide_width, seed=1)
    before = peak()
    loss_stage(columns, guide, asked.row_block, margin=0.0)
    grown = peak() - before
    times = [
        (
            seconds(lambda: loss_stage(columns, guide, asked.row_block, margin=0.0)),
            seconds(lambda: products(columns, guide, asked.row_block)),
        )
        for _ in range(asked.repeats)
    ]
    stage, alone = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"{asked.rows} rows, width {asked.width}, guide {asked.guide_width}, {torch.get_num_threads()} threads")
    print(f"loss stage {stage:.2f} s, products alone {alone:.2f} s: {stage / alone:.2f} times")
    print(f"memory at the peak of the loss stage: {grown / 1e6:.0f} MB more")
    sys.exit(difference > 1e-4 or stage > TARGET_SECONDS * alone or grown > TARGET_BYTES)


if __name__ == "__main__":
    main()

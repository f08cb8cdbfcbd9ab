"""Several datasets in one training: how often an epoch sees the rows of each, and in which order their batches come.

Temperature, by which small datasets get a larger share than their size gives them:
Paper: Conneau, Khandelwal, Goyal, Chaudhary, Wenzek, Guzmán, Grave, Ott, Zettlemoyer, Stoyanov 2020, "Unsupervised
Cross-lingual Representation Learning at Scale", arXiv:1911.02116 (its exponent alpha is 1 / temperature).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

from embtune.config.words import MixtureStrategy

Batch = TypeVar("Batch")
Shuffle = Callable[[Sequence[Batch], int | None], Sequence[Batch]]


def passes(sizes: Sequence[int], weights: Sequence[float], temperature: float) -> list[float]:
    """How often an epoch goes through each dataset. An epoch has as many rows as without a temperature.

        share_i = weight_i * size_i^(1 / temperature), of their sum; rows of an epoch = sum_i weight_i * size_i

    Args:
        sizes: rows of each dataset, at least one.
        weights: as the config gives them; at a temperature of 1 they are the passes.
        temperature: 1 keeps shares proportional to the sizes, more makes them more alike; above 0.
    """
    if temperature == 1:
        return list(weights)  # as they are, and not up to rounding
    total = sum(weight * size for weight, size in zip(weights, sizes, strict=True))
    largest = max(sizes)  # by which all are divided: a power of a large size would overflow
    shares = [weight * (size / largest) ** (1 / temperature) for weight, size in zip(weights, sizes, strict=True)]
    return [total * share / sum(shares) / size for share, size in zip(shares, sizes, strict=True)]


def in_order(batches: Sequence[Sequence[Batch]], strategy: MixtureStrategy, shuffle: Shuffle[Batch]) -> list[Batch]:
    """The batches of all datasets in the order of an epoch.

    PROPORTIONAL shuffles all of them together. ROUND_ROBIN takes one of each dataset in turn, and passes over those
    that have no more. CONCATENATE takes all of a dataset before those of the next.

    Args:
        batches: of each dataset.
        shuffle: gives batches in the order in which they come: those of one dataset, by its number, or of all (None).
    """
    if strategy is MixtureStrategy.PROPORTIONAL:
        return list(shuffle(list(chain.from_iterable(batches)), None))
    shuffled = [shuffle(own, number) for number, own in enumerate(batches)]
    if strategy is MixtureStrategy.CONCATENATE:
        return list(chain.from_iterable(shuffled))
    return [batch for turn in zip_longest(*shuffled) for batch in turn if batch is not None]

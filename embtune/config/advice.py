"""What a config without a mistake may still not mean: told, and not refused."""

from __future__ import annotations

from collections.abc import Iterator

from embtune.catalog.choices import Distance
from embtune.config.loaded import LoadedConfig
from embtune.config.sections.losses import LossConfig
from embtune.config.tree import KeyPath
from embtune.errors import Problem

_MARGINS = ("margin", "triplet_margin")
_FARTHEST = 2.0  # cosine distance, 1 - cosine, of opposite vectors


def advice(loaded: LoadedConfig) -> list[Problem]:
    """Located warnings about values that together do not do what they seem to."""
    return [problem for key, loss in _losses(loaded) for problem in _unreachable_margins(loaded, key, loss)]


def _losses(loaded: LoadedConfig) -> Iterator[tuple[KeyPath, LossConfig]]:
    for place, loss in enumerate(loaded.config.loss):
        yield ("loss", place), loss
    for number, data in enumerate(loaded.config.data.train):
        if data.loss:
            yield ("data", "train", number, "loss"), data.loss


def _unreachable_margins(loaded: LoadedConfig, key: KeyPath, loss: LossConfig) -> Iterator[Problem]:
    """With such a margin no pair is ever far enough, so that solved rows pull as hard as unsolved ones."""
    values = dict(loss.parameters)
    if values.get("distance_metric") is not Distance.COSINE:
        return
    for name in _MARGINS:
        margin = values.get(name)
        if isinstance(margin, float) and margin > _FARTHEST:
            written = name if name in loss.parameters.model_fields_set else "distance_metric"
            message = f"{loss.spec.name}: {name} {margin:g} is more than a cosine distance, 0 to 2, can ever be"
            hint = f"{name}: 0.1 to 0.5 is usual with cosine; a row never costs nothing at so large a margin"
            yield loaded.problem((*key, written), "unreachable-margin", message, hint)

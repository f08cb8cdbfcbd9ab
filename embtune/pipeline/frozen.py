"""Frozen towers: models that are not trained, a loss's guide or teacher. They embed each distinct text once, ahead.

This is done while the model that is trained is not in memory, and each of them is let go of before the next: two models
are never in memory together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embtune.config import LoadedConfig
from embtune.data.examples import Examples
from embtune.losses.objective import View
from embtune.model.encode import encoded_width
from embtune.model.frozen import frozen_vectors
from embtune.model.packing import pack_if_alike
from embtune.pipeline.frozen_models import FrozenModels, Wish, load_frozen
from embtune.pipeline.settings import Settings
from embtune.report.progress import Progress
from embtune.train.precision import MixedPrecision
from embtune.train.rows import FrozenColumn

_STAND_INS = 1024  # vectors that stand for all texts of a dry run


@dataclass(frozen=True)
class FrozenTower:
    """What a frozen model makes of one training set. role: `guide` or `teacher`. texts: how many distinct ones."""

    role: str
    name: str
    texts: int
    width: int
    columns: Mapping[View, FrozenColumn]


@dataclass(frozen=True)
class FrozenTowers:
    """Everything that frozen models made for a run.

    asked: what they are.
    made: training set -> what each of them made of it.
    """

    asked: FrozenModels
    made: Mapping[str, Sequence[FrozenTower]]

    def columns(self, data: Examples) -> dict[View, FrozenColumn]:
        """The columns of one training set, by all frozen models."""
        return {view: column for tower in self.made[data.name] for view, column in tower.columns.items()}

    def __iter__(self) -> Iterator[FrozenTower]:
        return (tower for towers in self.made.values() for tower in towers)


def embed_frozen(
    loaded: LoadedConfig, asked: FrozenModels, settings: Settings, progress: Progress, cache: Path | None
) -> FrozenTowers:
    """Embed, with every frozen model that a loss names, the texts of those roles that the loss asks for.

    Texts are embedded as they are in the data, under the prompts that the loss names for their roles, else the model's
    default prompt if it has one, cut where that model cuts them, in the precision of the training.

    Args:
        cache: where vectors are kept between runs; None keeps none.

    Raises:
        ModelError: a model cannot be had; located at the parameter that names it.
        RunError: the cache cannot be written.
    """
    made: dict[str, list[FrozenTower]] = {each.config.name: [] for each in asked.train_sets}
    for model in asked.models:
        wanted = [wish for wish in asked.wishes if wish.name == model.name]
        for data, tower in _by_one_model(loaded, wanted, settings, progress, cache):
            made[data.name].append(tower)
    return FrozenTowers(asked, made)


def stand_in(asked: FrozenModels) -> FrozenTowers:
    """Random vectors of the right widths in place of embeddings, for a dry run: nothing is embedded."""
    made: dict[str, list[FrozenTower]] = {each.config.name: [] for each in asked.train_sets}
    for model in asked.models:
        random = np.random.default_rng(0).standard_normal((_STAND_INS, model.width), dtype=np.float32)
        for data, _, views in _views_by_prompt([wish for wish in asked.wishes if wish.name == model.name]):
            used = _used_texts(data, views)
            columns = _columns(data, views, used, random, np.arange(len(used)) % _STAND_INS)
            made[data.name].append(FrozenTower(model.role, model.name, len(used), model.width, columns))
    return FrozenTowers(asked, made)


def _by_one_model(
    loaded: LoadedConfig, wanted: Sequence[Wish], settings: Settings, progress: Progress, cache: Path | None
) -> Iterator[tuple[Examples, FrozenTower]]:
    """Set after set, what one model makes of it; the model is in memory in here only."""
    role, name = wanted[0].role, wanted[0].name
    with progress.stage(f"loading the {role} {name}"):
        model = load_frozen(loaded, wanted[0]).to(settings.device)
        pack_if_alike(model)
    precision = MixedPrecision(settings.precision, settings.device)
    for data, prompt, views in _views_by_prompt(wanted):
        used = _used_texts(data, views)
        with progress.stage(f"embedding {data.name} with the {role} {name}", len(used)) as advance:
            texts = [data.texts[i] for i in used.tolist()]
            vectors = frozen_vectors(model, texts, prompt, cache=cache, autocast=precision.autocast, progress=advance)
        assert vectors.shape == (len(used), encoded_width(model)), "one vector a text"
        columns = _columns(data, views, used, vectors, np.arange(len(used)))
        yield data, FrozenTower(role, name, len(used), vectors.shape[1], columns)


def _views_by_prompt(wanted: Sequence[Wish]) -> Iterator[tuple[Examples, str | None, list[View]]]:
    """Set after set, and in each the views whose texts are read under the same prompt."""
    for data in {wish.data.name: wish.data for wish in wanted}.values():
        prompts = {view: prompt for wish in wanted if wish.data is data for view, prompt in wish.views.items()}
        for prompt in dict.fromkeys(prompts.values()):
            yield data, prompt, [view for view, own in prompts.items() if own == prompt]


def _used_texts(data: Examples, views: Sequence[View]) -> np.ndarray:
    """Numbers of the distinct texts of these views, in rising order."""
    used = np.unique(np.concatenate([data.text_ids[view.role] for view in views]))
    return used[used >= 0]


def _columns(
    data: Examples, views: Sequence[View], used: np.ndarray, vectors: np.ndarray, vector_of_used: np.ndarray
) -> dict[View, FrozenColumn]:
    """All views share the vectors of all their distinct texts. vector_of_used: which vector is whose."""
    ids = {view: data.text_ids[view.role] for view in views}
    return {
        view: FrozenColumn(vectors, np.where(rows >= 0, vector_of_used[np.searchsorted(used, rows)], -1))
        for view, rows in ids.items()
    }

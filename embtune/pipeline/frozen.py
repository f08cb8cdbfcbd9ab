"""Frozen towers: models that are not trained, a loss's guide or teacher. They embed each distinct text once, ahead.

This is done before the model that is trained is read, and each of them is let go of before the next: two models are
never in memory together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embtune.catalog.guided import frozen_parameter
from embtune.config import LoadedConfig
from embtune.config.sections.losses import LossConfig
from embtune.data.examples import Examples
from embtune.losses.objective import BuildContext, View, frozen_model, guide_tower
from embtune.model.encode import encoded_width
from embtune.model.frozen import frozen_vectors
from embtune.model.load import load_model
from embtune.model.queries import check_one_model
from embtune.modifiers.build import build_objective
from embtune.pipeline.collecting import Key, located
from embtune.pipeline.datasets import TrainSet
from embtune.pipeline.settings import Settings
from embtune.report.progress import Progress
from embtune.train.precision import MixedPrecision
from embtune.train.rows import FrozenColumn


@dataclass(frozen=True)
class FrozenTower:
    """What a frozen model made of one training set. role: `guide` or `teacher`. vectors: (texts, D)."""

    role: str
    name: str
    vectors: np.ndarray
    columns: Mapping[View, FrozenColumn]


@dataclass(frozen=True)
class FrozenTowers:
    """Everything that frozen models made for a run: training set -> what each of them made of it."""

    made: Mapping[str, Sequence[FrozenTower]]

    def width(self, tower: str) -> int:
        """How wide the tower's embeddings are."""
        return next(int(each.vectors.shape[1]) for each in self if guide_tower(each.name) == tower)

    def columns(self, data: Examples) -> dict[View, FrozenColumn]:
        """The columns of one training set, by all frozen models."""
        return {view: column for tower in self.made[data.name] for view, column in tower.columns.items()}

    def __iter__(self) -> Iterator[FrozenTower]:
        return (tower for towers in self.made.values() for tower in towers)


@dataclass(frozen=True)
class _Wish:
    """A loss of a training set that wants texts of these views embedded. key: where the config names the model."""

    key: Key
    role: str
    name: str
    data: Examples
    views: tuple[View, ...]


def embed_frozen(
    loaded: LoadedConfig, train_sets: Sequence[TrainSet], settings: Settings, progress: Progress, cache: Path | None
) -> FrozenTowers:
    """Embed, with every frozen model that a loss names, the texts of those roles that the loss asks for.

    Texts are embedded as they are in the data, under the model's own default prompt if it has one, cut where that model
    cuts them, in the precision of the training.

    Args:
        cache: where vectors are kept between runs; None keeps none.

    Raises:
        ModelError: a model cannot be had; located at the parameter that names it.
        RunError: the cache cannot be written.
    """
    made: dict[str, list[FrozenTower]] = {each.config.name: [] for each in train_sets}
    wishes = list(_wishes(loaded, train_sets))
    for name in dict.fromkeys(wish.name for wish in wishes):
        for tower, data in _by_one_model(
            loaded, [each for each in wishes if each.name == name], settings, progress, cache
        ):
            made[data.name].append(tower)
    return FrozenTowers(made)


def _wishes(loaded: LoadedConfig, train_sets: Sequence[TrainSet]) -> Iterator[_Wish]:
    for number, data in enumerate(train_sets):
        for place, loss in enumerate(data.losses):
            named = frozen_parameter(loss.parameters)
            if named is not None:
                key: Key = ("data", "train", number, "loss") if data.config.loss else ("loss", place)
                yield _Wish((*key, named[0]), *named, data.examples, _frozen_views(loss, data.examples))


def _frozen_views(loss: LossConfig, data: Examples) -> tuple[View, ...]:
    """Built for no model in particular, the loss is only asked what it wants."""
    context = BuildContext(embedding_dim=1, depth=0, class_count=len(data.class_names) or None)
    objective = build_objective([(loss.spec, loss.parameters, 1.0)], [], context)
    return tuple(view for view in objective.request(data.roles).views if frozen_model(view.tower))


def _by_one_model(
    loaded: LoadedConfig, wishes: Sequence[_Wish], settings: Settings, progress: Progress, cache: Path | None
) -> Iterator[tuple[FrozenTower, Examples]]:
    """Set after set, what one model makes of it; the model is in memory in here only."""
    role, name = wishes[0].role, wishes[0].name
    with located(loaded, wishes[0].key), progress.stage(f"loading the {role} {name}"):
        model = load_model(name).to(settings.device)
        check_one_model(model)
    precision = MixedPrecision(settings.precision, settings.device)
    for data in {wish.data.name: wish.data for wish in wishes}.values():
        views = [view for wish in wishes if wish.data is data for view in wish.views]
        used = _used_texts(data, views)
        with progress.stage(f"embedding {data.name} with the {role} {name}", len(used)) as advance:
            texts = [data.texts[i] for i in used.tolist()]
            vectors = frozen_vectors(model, texts, cache=cache, autocast=precision.autocast, progress=advance)
        assert vectors.shape == (len(used), encoded_width(model)), "one vector a text"
        yield FrozenTower(role, name, vectors, _columns(data, views, used, vectors)), data


def _used_texts(data: Examples, views: Sequence[View]) -> np.ndarray:
    """Numbers of the distinct texts of these views, in rising order."""
    used = np.unique(np.concatenate([data.text_ids[view.role] for view in views]))
    return used[used >= 0]


def _columns(data: Examples, views: Sequence[View], used: np.ndarray, vectors: np.ndarray) -> dict[View, FrozenColumn]:
    """All views share the vectors of all their distinct texts."""
    ids = {view: data.text_ids[view.role] for view in views}
    return {
        view: FrozenColumn(vectors, np.where(rows >= 0, np.searchsorted(used, rows), -1)) for view, rows in ids.items()
    }

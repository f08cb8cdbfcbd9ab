"""Frozen towers: models that are not trained, such as a loss's teacher. They embed each distinct text once, ahead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from embtune.config import LoadedConfig
from embtune.data.examples import Examples
from embtune.losses.objective import View, frozen_model
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encoded_width
from embtune.model.frozen import frozen_vectors
from embtune.model.load import load_model
from embtune.pipeline.collecting import located
from embtune.pipeline.settings import Settings
from embtune.report.progress import Progress
from embtune.train.precision import MixedPrecision
from embtune.train.rows import FrozenColumn


class FrozenTowers:
    """The frozen towers of one run, each loaded once. Their vectors are kept in `cache`, where there is one."""

    def __init__(self, loaded: LoadedConfig, settings: Settings, progress: Progress, cache: Path | None) -> None:
        self._loaded = loaded
        self._precision = MixedPrecision(settings.precision, settings.device)
        self._progress = progress
        self._cache = cache
        self._models: dict[str, TextEmbedder] = {}

    def width(self, tower: str) -> int:
        """How wide the tower's embeddings are.

        Raises:
            ModelError: the model cannot be had; located at the loss.
        """
        return encoded_width(self._model(tower))

    def columns(self, examples: Examples, views: Iterable[View]) -> dict[View, FrozenColumn]:
        """A column for each of the views that is of a frozen tower.

        Raises:
            ModelError: a model cannot be had; located at the loss.
        """
        frozen = [view for view in views if frozen_model(view.tower)]
        towers = dict.fromkeys(view.tower for view in frozen)
        found = [self._columns_of(examples, each, [view for view in frozen if view.tower == each]) for each in towers]
        return {view: column for columns in found for view, column in columns.items()}

    def _columns_of(self, examples: Examples, tower: str, views: list[View]) -> dict[View, FrozenColumn]:
        """All views of one tower share the vectors of all their distinct texts."""
        ids = {view: examples.text_ids[view.role] for view in views}
        used = np.unique(np.concatenate(list(ids.values())))
        used = used[used >= 0]
        column = FrozenColumn(self._embedded(tower, [examples.texts[i] for i in used.tolist()]), used)
        places = {view: np.where(rows >= 0, np.searchsorted(used, rows), -1) for view, rows in ids.items()}
        return {view: replace(column, text_of_row=place) for view, place in places.items()}

    def _embedded(self, tower: str, texts: list[str]) -> np.ndarray:
        """(texts, D) float32, of the texts as they are, under the tower's own default prompt."""
        model = self._model(tower)
        with self._progress.stage(f"embedding texts with {frozen_model(tower)}", len(texts)) as advance:
            return frozen_vectors(model, texts, cache=self._cache, autocast=self._precision.autocast, progress=advance)

    def _model(self, tower: str) -> TextEmbedder:
        if tower not in self._models:
            name = frozen_model(tower)
            assert name is not None, f"{tower} is no frozen tower"
            with located(self._loaded, ("loss",)), self._progress.stage(f"loading {name}"):
                self._models[tower] = load_model(name).to(self._precision.device).requires_grad_(False)
        return self._models[tower]

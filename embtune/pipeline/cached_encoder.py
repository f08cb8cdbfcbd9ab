"""A model that embeds any number of texts, as queries or as documents; what it has embedded is kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from embtune.config.words import Precision
from embtune.errors import Location, ModelError
from embtune.model.embedder import TextEmbedder
from embtune.model.frozen import frozen_parts
from embtune.model.load import load_model
from embtune.model.packing import pack_if_alike
from embtune.model.queries import embedder_for, task_prompt
from embtune.model.vector_files import VectorParts
from embtune.pipeline.evaluate_job import model_folder
from embtune.report.progress import Progress
from embtune.train.budget import micro_batch_tokens
from embtune.train.precision import MixedPrecision, decide_device, decide_precision


@dataclass(frozen=True)
class CachedEncoder:
    """A model on its device.

    name: as the user wrote it. cache: the folder of all cached vectors.
    """

    name: str
    model: TextEmbedder
    cache: Path

    @classmethod
    def load(cls, name: str, cache: Path) -> Self:
        """Read a model, anything that `model.name_or_path` can be, or that of a run's directory.

        Raises:
            ModelError: it cannot be used.
        """
        model = load_model(model_folder(name)).to(decide_device())
        pack_if_alike(model)
        return cls(name, model, cache)

    def embed(self, texts: Sequence[str], task: str, what: str, progress: Progress) -> VectorParts:
        """Embed texts under the model's prompt for the task, else its default prompt, if it has any.

        On a GPU that is clearly faster in bf16 the model computes in it; vectors are float32.

        Args:
            texts: are sliced, never held as a whole.
            task: QUERY or DOCUMENT; where the model has another one for queries, it decides between the two.
            what: the texts' name on the display.

        Raises:
            RunError: the cache cannot be written.
            ModelError: vectors that are not finite.
        """
        own = task_prompt(self.model, task)
        embedder, prompt = embedder_for(self.model, own or (None if self.model.queries is None else task))
        device = self.model.device
        precision = MixedPrecision(decide_precision(Precision.AUTO, device), device)
        with progress.stage(f"embedding {what}", len(texts)) as advance:
            parts = frozen_parts(
                embedder,
                texts,
                prompt,
                cache=self.cache,
                autocast=precision.autocast,
                token_budget=micro_batch_tokens(device),
                progress=advance,
            )
        if not all(np.isfinite(part).all() for part in parts):
            message, hint = "it gives vectors that hold NaN or infinity", "Its weights are damaged or diverged."
            raise ModelError.of("non-finite-embedding", message, hint, Location(self.name))
        return parts

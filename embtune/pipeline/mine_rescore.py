"""Candidates scored anew by a cross-encoder, which reads an anchor and a candidate at once.

Legend: Q anchors, K candidates of each, P pairs of an anchor and a positive, N pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from embtune.config.words import Precision
from embtune.data.hard_negatives import Candidates, Positions, Scores
from embtune.errors import Location, ModelError
from embtune.model.cross_encoder import CrossEncoder, Pair, load_cross_encoder, score_pairs
from embtune.model.vector_files import kept_vectors, name_for
from embtune.train.budget import micro_batch_tokens
from embtune.train.precision import MixedPrecision, decide_device, decide_precision

_PART = 2048  # pairs that are scored and kept together: a minute's work of a CPU


@dataclass(frozen=True)
class Rescorer:
    """A cross-encoder on its device.

    name: as the user wrote it. identity: everything but the texts that decides a score. cache: where scores are kept.
    """

    name: str
    model: CrossEncoder
    precision: MixedPrecision
    identity: str
    cache: Path

    @classmethod
    def load(cls, name: str, cache: Path) -> Self:
        """Read a cross-encoder.

        Raises:
            ModelError: it cannot be used.
        """
        model, device = load_cross_encoder(name), decide_device()
        model.to(device)
        precision = MixedPrecision(decide_precision(Precision.AUTO, device), device)
        identity = f"{model.fingerprint()} {precision.precision.value} {device.type}"
        return cls(name, model, precision, identity, cache)

    def rescored(self, candidates: Candidates, anchors: Sequence[str], documents: Sequence[str]) -> Candidates:
        """The same candidates and positives with the model's scores, best first; equal scores keep their order.

        Raises:
            RunError: the cache cannot be written.
            ModelError: scores that are not finite.
        """
        there = np.argwhere(np.isfinite(candidates.scores_QK))
        found = np.stack([there[:, 0], candidates.positions_QK[there[:, 0], there[:, 1]]], axis=1)
        numbers = np.concatenate([found, candidates.positives_P2]) + np.array([candidates.first, 0])
        scores_N = self._scores(numbers, anchors, documents)
        scores_QK = candidates.scores_QK.copy()
        scores_QK[there[:, 0], there[:, 1]] = scores_N[: len(there)]
        order_QK = np.argsort(-scores_QK, axis=1, kind="stable")
        return replace(
            candidates,
            positions_QK=np.take_along_axis(candidates.positions_QK, order_QK, axis=1),
            scores_QK=np.take_along_axis(scores_QK, order_QK, axis=1),
            positive_P=scores_N[len(there) :],
        )

    def _scores(self, numbers_N2: Positions, anchors: Sequence[str], documents: Sequence[str]) -> Scores:
        """(N,) of pairs of an anchor and a document; the texts of one part are held at a time."""
        parts = [np.empty(0, dtype=np.float32)]
        for start in range(0, len(numbers_N2), _PART):
            part = numbers_N2[start : start + _PART].tolist()
            parts.append(self._part([(anchors[anchor], documents[document]) for anchor, document in part]))
        scores_N = np.concatenate(parts)
        if not np.isfinite(scores_N).all():
            message, hint = "it gives scores that are NaN or infinity", "Its weights are damaged or diverged."
            raise ModelError.of("non-finite-score", message, hint, Location(self.name))
        return scores_N

    def _part(self, pairs: Sequence[Pair]) -> Scores:
        """Scored, or as an earlier mining scored them."""

        def scored() -> Iterator[np.ndarray]:
            budget = micro_batch_tokens(self.precision.device)
            yield score_pairs(self.model, pairs, token_budget=budget, autocast=self.precision.autocast)[:, None]

        folder = self.cache / "pair_scores" / name_for(self.identity, (text for pair in pairs for text in pair))
        kept: Scores = np.array(kept_vectors(folder, (len(pairs), 1), scored(), f"scores of {len(pairs)} pairs"))
        return kept[:, 0]

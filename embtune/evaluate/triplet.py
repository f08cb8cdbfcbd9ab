"""Triplets: is the anchor closer to its positive than to its negatives?"""

from __future__ import annotations

import numpy as np

from embtune.catalog.choices import Similarity
from embtune.config.words import EvaluatorName
from embtune.data.examples import Examples
from embtune.evaluate.evaluator import Encode, Evaluator
from embtune.evaluate.role_texts import embed_role
from embtune.evaluate.scoring import Embeddings, pair_scores


class TripletEvaluator(Evaluator):
    """Share of (anchor, positive, negative) triplets with the positive closer, 0 to 1; equally close counts as wrong.

    A row with several negatives counts as that many triplets, so adding negatives makes the measure finer, not harder.
    Rows may lack some of their negatives.
    """

    word = EvaluatorName.TRIPLET
    metrics = ("accuracy",)
    primary_metric = "accuracy"

    def __init__(self, examples: Examples, similarity: Similarity = Similarity.COSINE) -> None:
        super().__init__(examples.name, similarity)
        self.examples = examples
        self.present = tuple(examples.text_ids[role] >= 0 for role in examples.roles[2:])

    def embed(self, encode: Encode) -> tuple[Embeddings, ...]:
        """Anchors and positives (N, D), then each negative column's present rows."""
        anchor, positive, *negatives = self.examples.roles
        columns = zip(negatives, self.present, strict=True)
        return (
            embed_role(encode, self.examples, anchor),
            embed_role(encode, self.examples, positive),
            *(embed_role(encode, self.examples, role, rows) for role, rows in columns if rows.any()),
        )

    def measure(self, embeddings: tuple[Embeddings, ...]) -> dict[str, float]:
        """Accuracy over all triplets."""
        anchor_ND, positive_ND, *negatives = embeddings
        to_positive_N = pair_scores(anchor_ND, positive_ND, self.similarity)
        filled = [rows for rows in self.present if rows.any()]
        right = [
            to_positive_N[rows] > pair_scores(anchor_ND[rows], negative_MD, self.similarity)
            for rows, negative_MD in zip(filled, negatives, strict=True)
        ]
        return {"accuracy": float(np.concatenate(right).mean()) if right else 0.0}

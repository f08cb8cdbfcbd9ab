"""Scored pairs, ordered by an angle in complex space, where a cosine's gradient would vanish."""

from __future__ import annotations

from embtune.catalog.formats import N_TUPLE, PAIR_SCORE, TRIPLET
from embtune.catalog.scaled import Scaled
from embtune.catalog.spec import Coupling, LossSpec, Paper

SPECS = (
    LossSpec(
        name="AnglELoss",
        alias="angle",
        purpose="Put pairs in the order of their scores by an angle that still has a gradient where a cosine has none.",
        formula=(
            "loss = log( 1 + sum_{i, j: y_i < y_j} exp( scale * (sim_i - sim_j) ) )\n"
            "sim = | cos(a, b) + sum( a2 * b1 - a1 * b2 ) |\n"
            "a = (a1, a2) and b = (b1, b2): halves of vectors of length 1"
        ),
        formats=(PAIR_SCORE, TRIPLET, N_TUPLE),
        parameters=Scaled,
        coupling=Coupling.BATCH,
        implementation="embtune.losses.angle:AnglE",
        reduction="log of a sum over pairs of rows, not averaged: it grows with the batch",
        degenerate=(
            "One pair, or all scores equal: loss 0 and no gradient, there is no order to learn.",
            "Triplets and n-tuples: the anchor with its positive scores 1, with each negative 0.",
        ),
        papers=(
            Paper(
                "AoE: Angle-optimized Embeddings for Semantic Textual Similarity",
                "Li and Li",
                2024,
                "https://arxiv.org/abs/2309.12871",
            ),
        ),
        minimum_batch=2,
    ),
)

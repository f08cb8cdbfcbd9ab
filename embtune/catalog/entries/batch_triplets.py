"""Texts with a class: triplets of two texts of a class and one of another, found in each batch."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.choices import Distance
from embtune.catalog.formats import TEXT_CLASS
from embtune.catalog.scaled import PositiveFloat
from embtune.catalog.spec import Coupling, LossSpec, Need, Paper, Parameters


class MiningParameters(Parameters):
    """Which distance."""

    distance_metric: Distance = Field(default=Distance.EUCLIDEAN, description="How far two texts are apart.")


class MarginMiningParameters(MiningParameters):
    """Which distance, and by how much."""

    margin: PositiveFloat = Field(
        default=5.0,
        description="How much farther the text of another class must be before a triplet costs nothing. "
        "5 suits unnormalised embeddings; with cosine, whose distances end at 2, use 0.1 to 0.5.",
    )


_HERMANS = Paper(
    "In Defense of the Triplet Loss for Person Re-Identification",
    "Hermans et al.",
    2017,
    "https://arxiv.org/abs/1703.07737",
)
_SCHROFF = Paper(
    "FaceNet: A Unified Embedding for Face Recognition and Clustering",
    "Schroff et al.",
    2015,
    "https://arxiv.org/abs/1503.03832",
)
_NEEDS = frozenset({Need.GROUP_BY_LABEL})
_WHO = "p: another text of a's class; n: a text of another class"
_SMALLEST = 4  # two classes of two rows
_HARD = "embtune.losses.batch_hard_triplet:BatchHardTriplet"

ALL = LossSpec(
    name="BatchAllTripletLoss",
    alias="batch-all",
    purpose="Bring texts of a class together and away from others, over every triplet that breaks the margin.",
    formula=(
        "loss = sum over (a, p, n) of max( 0, d(a, p) - d(a, n) + margin )\n"
        "       / number of its terms above 0\n" + _WHO
    ),
    formats=(TEXT_CLASS,),
    parameters=MarginMiningParameters,
    coupling=Coupling.BATCH,
    implementation="embtune.losses.batch_all_triplet:BatchAllTriplet",
    reduction="mean over the triplets that cost something",
    degenerate=("No triplet (one class, or no two rows of a class): loss 0 and no gradient, and the run warns.",),
    papers=(_HERMANS,),
    needs=_NEEDS,
    minimum_batch=_SMALLEST,
)

HARD = LossSpec(
    name="BatchHardTripletLoss",
    alias="batch-hard",
    purpose="Bring each text nearer to the farthest of its class than to the nearest of another, by a margin.",
    formula="loss = mean_a max( 0, max_p d(a, p) - min_n d(a, n) + margin )\n" + _WHO,
    formats=(TEXT_CLASS,),
    parameters=MarginMiningParameters,
    coupling=Coupling.BATCH,
    implementation=_HARD,
    reduction="mean over rows",
    degenerate=(
        "One class: every row costs the margin and gives no gradient, and the run warns.",
        "No two rows of a class: the nearest other row is pushed away, nothing is pulled, and the run warns.",
    ),
    papers=(_HERMANS,),
    needs=_NEEDS,
    minimum_batch=_SMALLEST,
)

HARD_SOFT_MARGIN = LossSpec(
    name="BatchHardSoftMarginTripletLoss",
    alias="batch-hard-soft-margin",
    purpose="BatchHardTripletLoss without a margin to choose: the cost fades smoothly.",
    formula="loss = mean_a log( 1 + exp( max_p d(a, p) - min_n d(a, n) ) )\n" + _WHO,
    formats=(TEXT_CLASS,),
    parameters=MiningParameters,
    coupling=Coupling.BATCH,
    implementation=_HARD,
    reduction="mean over rows",
    degenerate=(
        "One class: every row costs log 2 and gives no gradient, and the run warns.",
        "No two rows of a class: the nearest other row is pushed away, nothing is pulled, and the run warns.",
    ),
    papers=(_HERMANS,),
    needs=_NEEDS,
    minimum_batch=_SMALLEST,
)

SEMI_HARD = LossSpec(
    name="BatchSemiHardTripletLoss",
    alias="batch-semi-hard",
    purpose="For each two texts of a class, push away the nearest text of another that is farther than they are.",
    formula=(
        "loss = mean over (a, p) of max( 0, d(a, p) - d(a, n) + margin )\n"
        "n: the nearest of another class with d(a, n) > d(a, p), else the farthest"
    ),
    formats=(TEXT_CLASS,),
    parameters=MarginMiningParameters,
    coupling=Coupling.BATCH,
    implementation="embtune.losses.batch_semi_hard_triplet:BatchSemiHardTriplet",
    reduction="mean over ordered pairs of a class",
    degenerate=(
        "No two rows of a class: loss 0 and no gradient, and the run warns.",
        "One class: a pair costs its distance plus the margin, so that all rows are pulled together; the run warns.",
    ),
    papers=(_SCHROFF, _HERMANS),
    needs=_NEEDS,
    minimum_batch=_SMALLEST,
)

SPECS = (ALL, HARD, HARD_SOFT_MARGIN, SEMI_HARD)

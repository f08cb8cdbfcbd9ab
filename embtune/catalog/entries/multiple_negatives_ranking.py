"""Ranking a row's positive above all other documents of the batch, and the names that preset it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from embtune.catalog.choices import Direction, HardnessMode, PartitionMode, Similarity
from embtune.catalog.formats import N_TUPLE, PAIR, TRIPLET
from embtune.catalog.scaled import Scaled
from embtune.catalog.spec import Coupling, LossSpec, Need, Paper

NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class SymmetricParameters(Scaled):
    """What can be chosen where the directions are fixed."""

    similarity_fct: Similarity = Field(
        default=Similarity.COSINE, description="How query and document are compared. With dot, scale 1 is usual."
    )


class RankingParameters(SymmetricParameters):
    """Everything about a ranking against the batch."""

    directions: tuple[Direction, ...] = Field(
        default=(Direction.QUERY_TO_DOC,),
        min_length=1,
        description="Which comparisons a row makes. query_to_doc is always among them.",
    )
    partition_mode: PartitionMode = Field(
        default=PartitionMode.JOINT,
        description="One softmax over all directions (joint), or one for each, averaged (per_direction).",
    )
    hardness_mode: HardnessMode | None = Field(
        default=None, description="Which negatives are weighted by their nearness to the query; null for none."
    )
    hardness_strength: NonNegativeFloat = Field(
        default=0.0, description="How much nearness adds to a negative's logit. LLaVE uses 9, EmbeddingGemma 5."
    )

    @model_validator(mode="after")
    def _check_directions(self) -> RankingParameters:
        if Direction.QUERY_TO_DOC not in self.directions:
            raise ValueError("directions must contain query_to_doc, the one that ranks the positive")
        if len(set(self.directions)) != len(self.directions):
            raise ValueError("directions names a direction twice")
        lonely = {Direction.QUERY_TO_QUERY, Direction.DOC_TO_DOC} & set(self.directions)
        if self.partition_mode is PartitionMode.PER_DIRECTION and lonely:
            names = " and ".join(sorted(direction.value for direction in lonely))
            raise ValueError(f"{names} has no positive of its own, so partition_mode must be joint, not per_direction")
        return self

    @model_validator(mode="after")
    def _check_hardness(self) -> RankingParameters:
        if self.hardness_mode is not None and self.hardness_strength == 0:
            raise ValueError("hardness_mode has no effect while hardness_strength is 0; set it, 5 for instance")
        if self.hardness_mode is None and self.hardness_strength > 0:
            raise ValueError("hardness_strength has no effect without a hardness_mode, such as hard_negatives")
        return self


_PAPERS = (
    Paper(
        "Efficient Natural Language Response Suggestion for Smart Reply",
        "Henderson et al.",
        2017,
        "https://arxiv.org/abs/1705.00652",
    ),
    Paper(
        "Representation Learning with Contrastive Predictive Coding",
        "van den Oord et al.",
        2018,
        "https://arxiv.org/abs/1807.03748",
    ),
)
_SYMMETRIC = Paper("Jina Embeddings 2", "Günther et al.", 2023, "https://arxiv.org/abs/2310.19923")
_GTE = Paper(
    "Towards General Text Embeddings with Multi-stage Contrastive Learning",
    "Li et al.",
    2023,
    "https://arxiv.org/abs/2308.03281",
)
_HARDNESS = (
    Paper("LLaVE: Hardness-Weighted Contrastive Learning", "Lan et al.", 2025, "https://arxiv.org/abs/2503.04812"),
    Paper("EmbeddingGemma", "Schechter Vera et al.", 2025, "https://arxiv.org/abs/2509.20354"),
)
_CACHE = Paper(
    "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    "Gao et al.",
    2021,
    "https://arxiv.org/abs/2101.06983",
)

_IMPLEMENTATION = "embtune.losses.multiple_negatives_ranking:MultipleNegativesRanking"
_NEEDS = frozenset({Need.NO_DUPLICATES, Need.LARGE_BATCH})
_ALONE = "One row without negatives: loss 0 and no gradient, there is nothing to tell the positive apart from."
_DUPLICATES = (
    "A text that is the positive of two rows counts as a negative of the other; the no_duplicates sampler avoids that."
)
_FORMULA = (
    "loss = mean_i [ logsumexp_j( scale * sim(a_i, d_j) ) - scale * sim(a_i, p_i) ]\n"
    "d_j over every positive and negative of the batch"
)
_SYMMETRIC_FORMULA = (
    "loss = mean_i [ 1/2 logsumexp_j( scale * sim(a_i, p_j) )\n"
    "              + 1/2 logsumexp_j( scale * sim(a_j, p_i) )\n"
    "              - scale * sim(a_i, p_i) ]"
)
_BOTH_WAYS = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
_CACHED = {"train.gradient_cache": "always"}

RANKING = LossSpec(
    name="MultipleNegativesRankingLoss",
    alias="mnrl",
    purpose="Rank each anchor's positive above every other text of the batch (InfoNCE).",
    formula=_FORMULA,
    formats=(PAIR, TRIPLET, N_TUPLE),
    parameters=RankingParameters,
    coupling=Coupling.BATCH,
    implementation=_IMPLEMENTATION,
    reduction="mean over rows",
    degenerate=(_ALONE, _DUPLICATES),
    papers=(*_PAPERS, _GTE, *_HARDNESS),
    needs=_NEEDS,
    minimum_batch=2,
    recommended=True,
)

CACHED = LossSpec(
    name="CachedMultipleNegativesRankingLoss",
    alias="cached-mnrl",
    purpose="MultipleNegativesRankingLoss with gradient caching always on: the same numbers at any batch size.",
    formula=_FORMULA,
    formats=(PAIR, TRIPLET, N_TUPLE),
    parameters=RankingParameters,
    coupling=Coupling.BATCH,
    implementation=_IMPLEMENTATION,
    reduction="mean over rows",
    degenerate=(_ALONE, _DUPLICATES),
    papers=(_CACHE, *_PAPERS),
    needs=_NEEDS,
    minimum_batch=2,
    recommended=True,
    resolves_to=RANKING.name,
    settings=_CACHED,
)

SYMMETRIC = LossSpec(
    name="MultipleNegativesSymmetricRankingLoss",
    alias="symmetric-mnrl",
    purpose="Rank both ways: each anchor's positive among positives, each positive's anchor among anchors.",
    formula=_SYMMETRIC_FORMULA,
    formats=(PAIR,),
    parameters=SymmetricParameters,
    coupling=Coupling.BATCH,
    implementation=_IMPLEMENTATION,
    reduction="mean over rows and over the two directions",
    degenerate=(_ALONE, _DUPLICATES),
    papers=(_SYMMETRIC, *_PAPERS),
    needs=_NEEDS,
    minimum_batch=2,
    resolves_to=RANKING.name,
    presets=_BOTH_WAYS,
)

CACHED_SYMMETRIC = LossSpec(
    name="CachedMultipleNegativesSymmetricRankingLoss",
    alias="cached-symmetric-mnrl",
    purpose="MultipleNegativesSymmetricRankingLoss with gradient caching always on.",
    formula=_SYMMETRIC_FORMULA,
    formats=(PAIR,),
    parameters=SymmetricParameters,
    coupling=Coupling.BATCH,
    implementation=_IMPLEMENTATION,
    reduction="mean over rows and over the two directions",
    degenerate=(_ALONE, _DUPLICATES),
    papers=(_CACHE, _SYMMETRIC, *_PAPERS),
    needs=_NEEDS,
    minimum_batch=2,
    resolves_to=RANKING.name,
    presets=_BOTH_WAYS,
    settings=_CACHED,
)

SPECS = (RANKING, CACHED, SYMMETRIC, CACHED_SYMMETRIC)

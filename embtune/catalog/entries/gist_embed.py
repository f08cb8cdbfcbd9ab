"""Ranking against the batch, without the false negatives that a guide finds in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from embtune.catalog.choices import MarginStrategy
from embtune.catalog.formats import N_TUPLE, PAIR, TRIPLET
from embtune.catalog.guided import GuidedParameters
from embtune.catalog.scaled import Tempered
from embtune.catalog.spec import Coupling, LossSpec, Need, Paper


class GISTEmbedParameters(GuidedParameters, Tempered):
    """Who guides, what counts as a false negative, and which comparisons are made."""

    margin_strategy: MarginStrategy = Field(
        default=MarginStrategy.ABSOLUTE,
        description="A text is no negative of a row if the guide finds it nearer than the row's own pair less the "
        "margin (absolute), or less that share of the pair's similarity (relative).",
    )
    margin: Annotated[float, Field(allow_inf_nan=False, strict=True)] = Field(
        default=0.0, description="How much nearer than the row's own pair; larger leaves fewer negatives."
    )
    contrast_anchors: bool = Field(
        default=True, strict=True, description="The anchors of other rows are negatives of an anchor too."
    )
    contrast_positives: bool = Field(
        default=True, strict=True, description="The positives of other rows are negatives of a positive too."
    )


_GIST = Paper(
    "GISTEmbed: Guided In-sample Selection of Training Negatives for Text Embedding Fine-tuning",
    "Solatorio",
    2024,
    "https://arxiv.org/abs/2402.16829",
)
_MARGIN = Paper(
    "NV-Retriever: Improving text embedding models with effective hard-negative mining",
    "Moreira et al.",
    2024,
    "https://arxiv.org/abs/2407.15831",
)
_CACHE = Paper(
    "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    "Gao et al.",
    2021,
    "https://arxiv.org/abs/2101.06983",
)
_FORMULA = (
    "loss = mean_i log(1 + sum_j exp( (s(x_i, d_j) - s(a_i, p_i)) / temperature ))\n"
    "s: cosine, in the model's eyes; g: in the guide's\n"
    "x_i, d_j: a_i with other positives, other anchors and all negatives,\n"
    "          p_i with other positives; left out where g(x_i, d_j) > t_i\n"
    "t_i = g(a_i, p_i) - margin, or g(a_i, p_i) - margin * |g(a_i, p_i)|"
)
_DEGENERATE = (
    "One row without negatives, or nothing that the guide takes for a negative: loss 0 and no gradient.",
    "A text that the guide finds exactly as near as the row's own pair, such as a copy of the positive, stays a "
    "negative unless there is a margin; the no_duplicates sampler avoids copies.",
)

GIST_EMBED = LossSpec(
    name="GISTEmbedLoss",
    alias="gist",
    purpose="Rank each anchor's positive above the texts of the batch that a guide model does not find alike.",
    formula=_FORMULA,
    formats=(PAIR, TRIPLET, N_TUPLE),
    parameters=GISTEmbedParameters,
    coupling=Coupling.BATCH,
    implementation="embtune.losses.gist_embed:GISTEmbed",
    reduction="mean over rows",
    degenerate=_DEGENERATE,
    papers=(_GIST, _MARGIN),
    needs=frozenset({Need.GUIDE, Need.NO_DUPLICATES, Need.LARGE_BATCH}),
    minimum_batch=2,
)

CACHED_GIST_EMBED = LossSpec(
    name="CachedGISTEmbedLoss",
    alias="cached-gist",
    purpose="GISTEmbedLoss with gradient caching always on: the same numbers at any batch size.",
    formula=_FORMULA,
    formats=GIST_EMBED.formats,
    parameters=GISTEmbedParameters,
    coupling=Coupling.BATCH,
    implementation=GIST_EMBED.implementation,
    reduction=GIST_EMBED.reduction,
    degenerate=_DEGENERATE,
    papers=(_CACHE, *GIST_EMBED.papers),
    needs=GIST_EMBED.needs,
    minimum_batch=2,
    resolves_to=GIST_EMBED.name,
    settings={"train.gradient_cache": "always"},
)

SPECS = (GIST_EMBED, CACHED_GIST_EMBED)

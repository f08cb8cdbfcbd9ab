"""The losses of Sentence Transformers on given vectors, through a real static model: text "7" is embedded as row 7."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import torch
from sentence_transformers import SentenceTransformer, util
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.losses.batch_hard_triplet import BatchHardTripletLossDistanceFunction
from sentence_transformers.sentence_transformer.losses.contrastive import SiameseDistanceMetric
from sentence_transformers.sentence_transformer.losses.triplet import TripletDistanceMetric
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from torch import Tensor, nn


class UnitInterval(nn.Module):
    """(1 + cos) / 2, which Sentence Transformers leaves to its users to write."""

    def forward(self, cosines: Tensor) -> Tensor:
        return (1 + cosines) / 2


MATRIX_SIMILARITIES = {
    "cosine": util.cos_sim,
    "dot": util.dot_score,
    "euclidean": util.euclidean_sim,
    "manhattan": util.manhattan_sim,
}
ROW_SIMILARITIES = {
    "cosine": util.pairwise_cos_sim,
    "dot": util.pairwise_dot_score,
    "euclidean": util.pairwise_euclidean_sim,
    "manhattan": util.pairwise_manhattan_sim,
}
TRIPLET_DISTANCES = {
    "cosine": TripletDistanceMetric.COSINE,
    "euclidean": TripletDistanceMetric.EUCLIDEAN,
    "manhattan": TripletDistanceMetric.MANHATTAN,
}
PAIR_DISTANCES = {
    "cosine": SiameseDistanceMetric.COSINE_DISTANCE,
    "euclidean": SiameseDistanceMetric.EUCLIDEAN,
    "manhattan": SiameseDistanceMetric.MANHATTAN,
}
MINING_DISTANCES = {
    "cosine": BatchHardTripletLossDistanceFunction.cosine_distance,
    "euclidean": BatchHardTripletLossDistanceFunction.euclidean_distance,
    "manhattan": lambda vectors: -util.manhattan_sim(vectors, vectors),  # of one's own, as its users would write it
}
MINING_LOSSES = ("BatchAll", "BatchHard", "BatchHardSoftMargin", "BatchSemiHard")
REGRESSIONS = {"mse": nn.MSELoss(), "l1": nn.L1Loss(), "smooth_l1": nn.SmoothL1Loss()}
TRANSFORMS = {
    "identity": nn.Identity(),
    "relu": nn.ReLU(),
    "sigmoid": nn.Sigmoid(),
    "unit_interval": UnitInterval(),
}
# loss -> parameter -> the object that a word stands for
WORDS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "MultipleNegativesRankingLoss": {"similarity_fct": MATRIX_SIMILARITIES},
    "ContrastiveTensionLossInBatchNegatives": {"similarity_fct": MATRIX_SIMILARITIES},
    "CoSENTLoss": {"similarity_fct": ROW_SIMILARITIES},
    "GlobalOrthogonalRegularizationLoss": {"similarity_fct": MATRIX_SIMILARITIES},
    "OnlineContrastiveLoss": {"distance_metric": PAIR_DISTANCES},
    "MarginMSELoss": {"similarity_fct": ROW_SIMILARITIES},
    "DistillKLDivLoss": {"similarity_fct": ROW_SIMILARITIES},
    "TripletLoss": {"distance_metric": TRIPLET_DISTANCES},
    "ContrastiveLoss": {"distance_metric": PAIR_DISTANCES},
    "CosineSimilarityLoss": {"loss_fct": REGRESSIONS, "cos_score_transformation": TRANSFORMS},
    **{f"{mined}TripletLoss": {"distance_metric": MINING_DISTANCES} for mined in MINING_LOSSES},
}


def static_model(table: Tensor) -> SentenceTransformer:
    """A model that embeds the text "7" as row 7 of `table`."""
    tokenizer = Tokenizer(WordLevel({str(row): row for row in range(len(table))}, unk_token="0"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    embedding = StaticEmbedding(tokenizer, embedding_weights=table.float())
    return SentenceTransformer(modules=[embedding], device="cpu")


def loss_arguments(name: str, parameters: Mapping[str, object], width: int) -> dict[str, object]:
    """The arguments of a loss's constructor beside the model, which embeds `width` wide."""
    words = WORDS.get(name, {})
    arguments = {key: words[key][str(value)] if key in words else value for key, value in parameters.items()}
    if name == "MegaBatchMarginLoss":
        arguments["use_mini_batched_version"] = False  # it computes the same, but not for a static model
    return arguments | ({"embedding_dimension": width} if name == "SoftmaxLoss" else {})


def value_and_gradient(
    name: str,
    parameters: Mapping[str, object],
    table_VBD: Tensor,
    labels: Tensor | None,
    matryoshka: Mapping[str, Sequence[float]] | None = None,
) -> tuple[Tensor, Tensor]:
    """Loss `name` of V columns of B vectors, and its gradient (V, B, D), in float32.

    Heads are drawn from torch's global generator. `matryoshka` holds dims, and weights if any.
    """
    views, rows, width = table_VBD.shape
    model = static_model(table_VBD.flatten(0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names it calls deprecated are still its behaviour
        loss = getattr(losses, name)(model, **loss_arguments(name, parameters, width))
        if matryoshka is not None:
            dims = [int(dim) for dim in matryoshka["dims"]]
            loss = losses.MatryoshkaLoss(model, loss, dims, matryoshka.get("weights"))
        texts = [[str(view * rows + row) for row in range(rows)] for view in range(views)]
        if name == "ContrastiveTensionLossInBatchNegatives":
            texts = [_only_column_of_both_copies(loss, table_VBD)]
        value = loss([model.preprocess(column) for column in texts], labels)
    if isinstance(value, dict):  # named terms
        value = torch.stack(list(value.values())).sum()
    copies = [name for name in ("model1", "model2") if hasattr(loss, name)]
    tables = [loss.get_parameter(f"{copy}.0.embedding.weight") for copy in copies]
    gradients = torch.autograd.grad(value, tables or [model.get_parameter("0.embedding.weight")])
    by_table = [gradient.view_as(table_VBD) for gradient in gradients]
    # of two copies each embeds one column, in rows of its own
    return value.detach(), torch.stack([each.sum(dim=0) for each in by_table]) if copies else by_table[0]


def _only_column_of_both_copies(loss: nn.Module, table_VBD: Tensor) -> list[str]:
    """Texts that the twin embeds as the first column and the model as the second, and that is all they hold."""
    rows = table_VBD.shape[1]
    with torch.no_grad():
        for copy, column_BD in zip(("model1", "model2"), table_VBD, strict=True):
            loss.get_parameter(f"{copy}.0.embedding.weight")[:rows] = column_BD
    return [str(row) for row in range(rows)]

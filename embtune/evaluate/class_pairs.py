"""Pairs with a class: does the head that was trained beside the model name it? Legend: N pairs, D width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from embtune.catalog.choices import Similarity
from embtune.config.words import EvaluatorName
from embtune.data.examples import Examples
from embtune.errors import RunError
from embtune.evaluate.evaluator import Encode, Evaluator
from embtune.evaluate.role_texts import embed_pair
from embtune.evaluate.scoring import Embeddings, normalised
from embtune.losses.pair_head import PairHead


@dataclass(frozen=True)
class PairClassifier:
    """The trained heads of one loss.

    classes: what each of a head's outputs stands for, in their order; outputs beyond them stand for nothing.
    heads: by the width of the embeddings they read.
    """

    classes: tuple[str, ...]
    heads: Mapping[int, PairHead]


class ClassPairEvaluator(Evaluator):
    """Share of pairs whose class the head names, and the mean over the set's classes of their F1; both 0 to 1.

    Embeddings are cut to the widest head that can read them. The classes of `examples` are numbered as the head's.
    """

    word = EvaluatorName.CLASS_PAIRS
    metrics = ("accuracy", "macro_f1")
    primary_metric = "accuracy"

    def __init__(
        self, examples: Examples, heads: Mapping[int, PairHead], similarity: Similarity = Similarity.COSINE
    ) -> None:
        """`heads` may be empty as long as only the metrics' names are asked for."""
        super().__init__(examples.name, similarity)
        self.examples = examples
        self.heads = heads

    def embed(self, encode: Encode) -> tuple[Embeddings, ...]:
        """Left and right texts, (N, D) each."""
        return embed_pair(encode, self.examples)

    def measure(self, embeddings: tuple[Embeddings, ...]) -> dict[str, float]:
        """Both measures over the N pairs.

        Raises:
            RunError: every head reads wider embeddings.
        """
        left_ND, right_ND = embeddings
        named_N = named_classes(self._head_for(left_ND.shape[1]), left_ND, right_ND)
        classes_N = np.asarray(self.examples.labels)
        return {"accuracy": float((named_N == classes_N).mean()), "macro_f1": macro_f1(named_N, classes_N)}

    def _head_for(self, width: int) -> PairHead:
        readable = [each for each in self.heads if each <= width]
        if not readable:
            there = ", ".join(map(str, sorted(self.heads)))
            message = f"no trained head reads embeddings of {width} dims; there are heads for {there}"
            raise RunError.of("no-head", message, "leave the narrower dims out of the modifier, or train them")
        return self.heads[max(readable)]


def named_classes(head: PairHead, left_ND: Embeddings, right_ND: Embeddings) -> NDArray[np.int64]:
    """(N,) the class of the highest score."""
    sides = (each_ND[:, : head.width] for each_ND in (left_ND, right_ND))
    # what is cut is at length 1 too: heads of cut embeddings were trained so
    ready = [normalised(side) if head.unit_vectors or side.shape[1] < left_ND.shape[1] else side for side in sides]
    tensors = [torch.from_numpy(np.ascontiguousarray(side)).to(head.weight.device) for side in ready]
    with torch.no_grad():
        named_N: NDArray[np.int64] = head(*tensors).argmax(dim=1).cpu().numpy()
    return named_N


def macro_f1(named_N: NDArray[np.int64], classes_N: NDArray[np.int64]) -> float:
    """The mean of F1 over the classes that the pairs really have; one that is never named rightly counts 0."""
    from sklearn.metrics import f1_score  # here: other runs have no use for its second

    return float(f1_score(classes_N, named_N, labels=np.unique(classes_N), average="macro", zero_division=0))

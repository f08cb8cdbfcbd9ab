"""A classifier beside the model. Legend: B rows, D width, N classes, F features of a pair."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from embtune.catalog.entries.softmax import SoftmaxParameters
from embtune.catalog.formats import PAIR_CLASS
from embtune.catalog.spec import Coupling
from embtune.errors import ConfigError
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.views import request_columns


class Softmax(Objective):
    """Name the class of a pair from its two embeddings, through a linear head trained beside the model.

        loss = mean_i cross_entropy( W [a_i, b_i, |a_i - b_i|, a_i * b_i] + bias, y_i )

    Shapes: sentence_A and sentence_B (B, D), labels (B,) class numbers or (B, N) class probabilities.
    Parameters: `SoftmaxParameters`; the head sees a, b and |a - b|.
    Paper: Reimers and Gurevych 2019, arXiv:1908.10084.
    Differs from Sentence Transformers: the head is trained like the rest (clipped, synchronised, saved, resumed), and
    Matryoshka gives each width a head of its own.
    """

    def __init__(self, settings: SoftmaxParameters, classifier: nn.Linear) -> None:
        super().__init__()
        self.settings = settings
        self.classifier = classifier

    @classmethod
    def build(cls, parameters: SoftmaxParameters, context: BuildContext) -> Softmax:
        """The loss with a fresh head, drawn from torch's global generator.

        Raises:
            ConfigError: the number of classes is unknown, or below that of the data.
        """
        vectors = 2 * parameters.concatenation_sent_rep + parameters.concatenation_sent_difference
        vectors += parameters.concatenation_sent_multiplication
        return cls(parameters, nn.Linear(vectors * context.embedding_dim, _class_count(parameters, context)))

    @property
    def coupling(self) -> Coupling:
        """A mean over rows."""
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """The two sentences of a pair."""
        return request_columns((PAIR_CLASS,), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`softmax`: the mean over rows."""
        logits_BN = self.classifier(self._features(batch.embedding("sentence_A"), batch.embedding("sentence_B")))
        labels = batch.known_labels()
        labels = labels.to(logits_BN.dtype) if labels.shape == logits_BN.shape else labels.flatten().long()
        return {"softmax": batch.mean(F.cross_entropy(logits_BN, labels, reduction="none"))}

    def _features(self, left_BD: Tensor, right_BD: Tensor) -> Tensor:
        parts = [left_BD, right_BD] if self.settings.concatenation_sent_rep else []
        if self.settings.concatenation_sent_difference:
            parts.append((left_BD - right_BD).abs())
        if self.settings.concatenation_sent_multiplication:
            parts.append(left_BD * right_BD)
        return torch.cat(parts, dim=1)


def _class_count(parameters: SoftmaxParameters, context: BuildContext) -> int:
    wanted, found = parameters.num_labels, context.class_count
    if wanted is None and found is None:
        raise ConfigError.of("unknown-classes", "the data has no classes to count", "give num_labels")
    if wanted is not None and found is not None and wanted < found:
        raise ConfigError.of("too-few-classes", f"num_labels is {wanted}, but the data has {found} classes")
    return wanted or found or 0

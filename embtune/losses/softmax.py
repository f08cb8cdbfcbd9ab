"""A classifier beside the model. Legend: B rows, D width, N classes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.entries.softmax import SoftmaxParameters
from embtune.catalog.formats import PAIR_CLASS
from embtune.catalog.spec import Coupling
from embtune.errors import ConfigError
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.pair_head import PairFeatures, PairHead
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

    def __init__(self, classifier: PairHead) -> None:
        super().__init__()
        self.classifier = classifier

    @classmethod
    def build(cls, parameters: SoftmaxParameters, context: BuildContext) -> Softmax:
        """The loss with a fresh head, drawn from torch's global generator.

        Raises:
            ConfigError: the number of classes is unknown, or below that of the data.
        """
        features = PairFeatures(
            parameters.concatenation_sent_rep,
            parameters.concatenation_sent_difference,
            parameters.concatenation_sent_multiplication,
        )
        is_cut = context.full_dim is not None  # by a modifier, which then gives unit vectors
        classes = _class_count(parameters, context)
        return cls(PairHead(context.embedding_dim, classes, features, unit_vectors=is_cut))

    @property
    def coupling(self) -> Coupling:
        """A mean over rows."""
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """The two sentences of a pair."""
        return request_columns((PAIR_CLASS,), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`softmax`: the mean over rows."""
        logits_BN = self.classifier(batch.embedding("sentence_A"), batch.embedding("sentence_B"))
        labels = batch.known_labels()
        labels = labels.to(logits_BN.dtype) if labels.shape == logits_BN.shape else labels.flatten().long()
        return {"softmax": batch.mean(F.cross_entropy(logits_BN, labels, reduction="none"))}


def _class_count(parameters: SoftmaxParameters, context: BuildContext) -> int:
    wanted, found = parameters.num_labels, context.class_count
    if wanted is None and found is None:
        raise ConfigError.of("unknown-classes", "the data has no classes to count", "give num_labels")
    if wanted is not None and found is not None and wanted < found:
        raise ConfigError.of("too-few-classes", f"num_labels is {wanted}, but the data has {found} classes")
    return wanted or found or 0

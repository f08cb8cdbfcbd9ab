"""What an objective is: maths on embeddings that never runs a model.

An objective says which embeddings it wants (`views`) and is then given them, with labels, as a `Batch`.
It answers with named scalar terms. The engine reads two properties and never a name:

* `coupling`: do rows interact?
* `views`: which (role, tower, copy) columns are scored?

Legend: B rows of the batch at hand, L layers, D width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from embtune.catalog.spec import Coupling
from embtune.losses.decoder import DecoderBuilder, no_decoder
from embtune.losses.row_blocks import Sharing, all_rows
from embtune.losses.softness import Softness

MAIN_TOWER = "model"
TWIN_TOWER = "twin"  # a second trainable copy of the model (contrastive tension)
QUERY_TOWER = "query"  # a model of their own for queries; objectives ask for MAIN_TOWER, the data says which it is
_FROZEN = "guide:"
NO_TOKEN = -100  # padding of targets; torch's cross entropy skips it


def guide_tower(name_or_path: str) -> str:
    """The name of the frozen tower that a `guide` or `teacher` parameter asks for."""
    return f"{_FROZEN}{name_or_path}"


def frozen_model(tower: str) -> str | None:
    """The model that a frozen tower is; None for a tower that is trained."""
    return tower.removeprefix(_FROZEN) if tower.startswith(_FROZEN) else None


def unknown_width(tower: str) -> None:
    """For objectives built without the models that would tell the width of a frozen tower's embeddings."""


@dataclass(frozen=True, order=True)
class View:
    """One column of embeddings: the texts of `role` as embedded by `tower`.

    Two views with different `copy` embed the same texts twice, under separate dropout masks (SimCSE).
    """

    role: str
    tower: str = MAIN_TOWER
    copy: int = 0


@dataclass(frozen=True)
class Count:
    """How much of something a batch holds: a scalar. needed: where there is none of it, there is nothing to learn."""

    found: Tensor
    needed: bool


@dataclass(frozen=True)
class Batch:
    """The rows an objective scores.

    embeddings: view -> (L, B, D) float32. L is 1 unless a modifier widened the request; the last is the final layer.
    labels: (B,) or (B, K), or None where the format has no label.
    present: role -> (B,) bool, for roles that some rows lack (ragged negatives); other roles are always there.
    frozen: view -> (B, D) float32, for views of frozen towers (a guide), each as wide as its own model. They are data:
        no modifier changes them and no gradient reaches them.
    targets: view -> (B, T) int64 token ids that a decoder is to rebuild, padded with `NO_TOKEN`.
    whole: labels, targets and presence of *all* rows of the step, without embeddings; None when this batch is the
        whole step.
        A `Coupling.ROWS` objective sees the step in several batches: its means divide by the whole step's rows, so
        that the sum over those batches is the step's loss.
    generator: the step's own random generator (CPU), for sampled dims and layers. It is in the same state on every
        process and in each of a step's batches, so that all of them sample alike.
    row_block: rows scored at once by `embtune.losses.row_blocks`, so that memory stays linear in B.
    sharing: which of the rows this process scores there; the sums are those of all rows on every process.
    autocast: makes the context that decoders compute in; the losses themselves are always float32.
    counts: what the objective found to learn from (`count`).
    softness: how decided its softmaxes are, by name (`decided`).
    roles: the roles of the dataset, as `Objective.request` is asked with; () for a batch made by hand.
    """

    embeddings: Mapping[View, Tensor]
    labels: Tensor | None = None
    present: Mapping[str, Tensor] = field(default_factory=dict)
    size: int = 0
    whole: Batch | None = None
    generator: torch.Generator | None = None
    row_block: int = 1024
    frozen: Mapping[View, Tensor] = field(default_factory=dict)
    targets: Mapping[View, Tensor] = field(default_factory=dict)
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext
    counts: dict[str, Count] = field(default_factory=dict)
    softness: dict[str, Softness] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    sharing: Sharing = all_rows

    def embedding(self, role: str, tower: str = MAIN_TOWER, copy: int = 0) -> Tensor:
        """The (B, D) final-layer embeddings of one view."""
        return self.embeddings[View(role, tower, copy)][-1]

    def mask(self, role: str) -> Tensor | None:
        """(B,) bool: which rows have a text in `role`; None where all have."""
        return self.present.get(role)

    def frozen_embedding(self, role: str, tower: str) -> Tensor:
        """(B, D) embeddings of one role's texts by a frozen tower."""
        return self.frozen[View(role, tower)]

    def count(self, name: str, found: Tensor, *, needed: bool = True) -> None:
        """Report how much there was to learn from, such as the triplets that were mined: a scalar, for the log.

        Under a modifier that scores the batch several times, the first score (widest dim, final layer) counts. Of two
        losses in a list that have a name, the log has both, by their places: `1.valid_triplets`, `2.valid_triplets`.

        Args:
            name: its name in the log.
            found: how much.
            needed: a step without any learns nothing, which the loss's value alone does not show, and is warned about.
                False where zero is success: no triplet that still breaks the margin.
        """
        self.counts.setdefault(name, Count(found.detach(), needed))

    def decided(self, name: str, softness: Softness) -> None:
        """Report how decided the softmaxes are over which the loss ranks; a scale that saturates is warned about.

        As with counts, the first score of several is the one that counts.

        Args:
            name: of the term.
            softness: of this batch's rows on average.
        """
        whole = self.whole or self
        own = softness if whole is self else softness.times(self.size / max(1, whole.size))
        self.softness.setdefault(name, own)

    def known_labels(self) -> Tensor:
        """The labels, for an objective whose every format has them."""
        assert self.labels is not None, "this objective's rows have labels"
        return self.labels

    def mean(self, values: Tensor, weights: Callable[[Batch], Tensor] | None = None) -> Tensor:
        """This batch's share of the whole step's (weighted) mean of per-row `values` (B,).

        `weights` computes (rows,) weights from labels and presence alone, so that it can be asked of the whole step
        too. Weights that sum to zero give zero.
        """
        whole = self.whole or self
        if weights is None:
            return values.sum() / max(1, whole.size)
        total = weights(whole).sum().clamp_min(torch.finfo(values.dtype).tiny)
        return (values * weights(self)).sum() / total

    def map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The same rows with every view's (L, B, D) embeddings changed by a modifier; frozen ones stay."""
        return replace(self, embeddings={view: change(table) for view, table in self.embeddings.items()})

    def only(self, request: Request) -> Batch:
        """The same rows with nothing but the views and targets of one request, for one loss among several."""
        views = set(request.views)
        return replace(
            self,
            embeddings={view: table for view, table in self.embeddings.items() if view in views},
            frozen={view: table for view, table in self.frozen.items() if view in views},
            targets={view: ids for view, ids in self.targets.items() if view in request.targets},
        )

    def labelled(self, labels: Tensor | None) -> Batch:
        """The same rows under other labels."""
        return replace(self, labels=labels)


@dataclass(frozen=True)
class Request:
    """What an objective wants embedded: `views` in a fixed order, and whether after every layer or the final one.

    targets: views whose token ids it wants too; their tower is the decoder, or the model whose tokens it shares.
    """

    views: tuple[View, ...]
    every_layer: bool = False
    targets: tuple[View, ...] = ()


@dataclass(frozen=True)
class BuildContext:
    """Facts about model and data that objectives are built from."""

    embedding_dim: int
    depth: int  # layers of the backbone; 0 for a static model
    class_count: int | None = None  # classes of the label column; None where the label is no class
    label_width: int | None = None  # of teacher embeddings; None where the label is none
    full_dim: int | None = None  # the model's own width, where a modifier builds for shorter embeddings
    decoder: DecoderBuilder = no_decoder
    frozen_width: Callable[[str], int | None] = unknown_width  # by tower: of a frozen tower's embeddings


class Objective(nn.Module, ABC):
    """Base of all losses and modifiers. Leaves implement; nobody overrides an implemented method.

    Trainable parts (heads, decoders, scalars) are ordinary parameters of the module: the engine optimises, clips,
    reduces, saves and restores them with the rest.
    """

    @property
    @abstractmethod
    def coupling(self) -> Coupling:
        """BATCH when rows interact, ROWS when the loss is a weighted sum over rows."""

    @abstractmethod
    def request(self, roles: Sequence[str]) -> Request:
        """The embeddings wanted for data with these roles.

        Raises:
            ValueError: the roles do not fit; the message says which are needed.
        """

    @abstractmethod
    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Named scalar terms, float32; their sum is what is minimised. Differentiable in the embeddings.

        The keys are the same for every batch of a run. A batch with nothing to learn from gives zeros that still carry
        a graph, never NaN.
        """

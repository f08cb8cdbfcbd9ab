"""How a loss is held against a float64 reference and against Sentence Transformers 6.2, in value and gradient.

Tolerances: values 1e-6 relative, gradients 1e-5 of the largest component. Everything embtune and Sentence Transformers
compute here is float32; the reference is float64 on the same float32 vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import loss_reference
import reference_distillation
import reference_guided
import reference_mining
import reference_pairs
import reference_unlabelled
import torch
from objectives import parsed, scored_views
from torch import Tensor

from embtune.losses.objective import BuildContext, Objective
from embtune.modifiers.build import build_objective

VALUE_TOLERANCE = 1e-6
GRADIENT_TOLERANCE = 1e-5
ROWS, WIDTH = 6, 8
HEAD_SEED = 5
PAIR_ROLES = ("sentence_A", "sentence_B")
LABELS = {
    "CoSENTLoss": torch.tensor([0.2, 0.9, 0.2, 0.5, 1.0, 0.0]),
    "AnglELoss": torch.tensor([0.2, 0.9, 0.2, 0.5, 1.0, 0.0]),
    "CosineSimilarityLoss": torch.tensor([0.2, 0.9, 0.2, 0.5, 1.0, 0.0]),
    "ContrastiveLoss": torch.tensor([1, 0, 0, 1, 1, 0]),
    "OnlineContrastiveLoss": torch.tensor([1, 0, 0, 1, 1, 0]),
    "ContrastiveTensionLoss": torch.tensor([1, 0, 0, 1, 1, 0]),
    "SoftmaxLoss": torch.tensor([0, 2, 1, 1, 0, 2]),
    **{name: torch.tensor([0, 1, 0, 1, 2, 0]) for name in reference_mining.LOSSES},
}
REFERENCES = {
    **loss_reference.LOSSES,
    **reference_unlabelled.LOSSES,
    **reference_mining.LOSSES,
    **reference_distillation.LOSSES,
    **reference_guided.LOSSES,
    **reference_pairs.LOSSES,
}


@dataclass(frozen=True)
class Outcome:
    """A loss and its gradient (V, B, D) with respect to its columns."""

    value: Tensor
    gradient: Tensor


@dataclass(frozen=True)
class ParityCase:
    """One loss with its parameters as YAML has them, on V columns of random vectors."""

    loss: str
    roles: tuple[str, ...]
    parameters: Mapping[str, object] = field(default_factory=dict)
    matryoshka: Mapping[str, Sequence[float]] | None = None
    towers: tuple[str, ...] = ()  # of the columns, where one role is embedded by several
    numbers: tuple[int, ...] | None = None  # shape of a row's label, where it is numbers of any size

    @property
    def columns(self) -> tuple[str, ...]:
        """What tells the V columns apart: their roles, or their towers."""
        return self.towers or self.roles

    @property
    def known_to_sentence_transformers(self) -> bool:
        """Everything but Matryoshka over a loss with a head or with named terms, which raises there."""
        return self.matryoshka is None or not (_heads(self) or self.loss == "GlobalOrthogonalRegularizationLoss")

    @property
    def label(self) -> str:
        """The case in one line."""
        words = [f"{key}={_word(value)}" for key, value in self.parameters.items()]
        words += [f"negatives={len(self.roles) - 2}"] if "anchor" in self.roles else []
        words += [f"label={self.numbers} texts={len(self.roles)}"] if self.numbers is not None else []
        words += [f"matryoshka {key}={_word(value)}" for key, value in (self.matryoshka or {}).items()]
        return f"{self.loss} {' '.join(words)}".strip()

    def table(self) -> Tensor:
        """(V, B, D) float32 vectors, correlated across columns so that no term of the loss vanishes."""
        generator = torch.Generator().manual_seed(len(self.columns))
        shared = torch.randn(1, ROWS, WIDTH, generator=generator)
        return shared + 0.8 * torch.randn(len(self.columns), ROWS, WIDTH, generator=generator)

    def labels(self) -> Tensor | None:
        """(B,) labels of the loss's kind, with ties; (B, *numbers) where a row's label is numbers of any size."""
        if self.numbers is None:
            return None if "anchor" in self.roles else LABELS.get(self.loss)
        return torch.randn(ROWS, *self.numbers, generator=torch.Generator().manual_seed(7))

    def guide(self) -> Tensor | None:
        """(V, B, G) what the guide makes of the texts, for a loss that has one."""
        return reference_guided.guide_table(len(self.columns), ROWS) if "guide" in self.parameters else None

    def objective(self) -> Objective:
        """embtune's objective, built as a run builds it."""
        torch.manual_seed(HEAD_SEED)
        modifiers = [] if self.matryoshka is None else [parsed("MatryoshkaLoss", **self.matryoshka)]
        loss = (*parsed(self.loss, **self.parameters), 1.0)
        return build_objective([loss], modifiers, BuildContext(embedding_dim=WIDTH, depth=0, class_count=3))


def embtune_outcome(case: ParityCase, row_block: int = 4) -> Outcome:
    """What embtune computes in float32, its row blocks shorter than the batch."""
    objective = case.objective()
    assert {view.role for view in objective.request(case.roles).views} == set(case.roles)
    scored = scored_views(objective, case.roles, case.table(), case.labels(), row_block, case.guide())
    return Outcome(scored.value, torch.stack(list(scored.gradients.values())))


def reference_outcome(case: ParityCase) -> Outcome:
    """What the plain loops compute in float64."""
    table = case.table().double().requires_grad_()
    columns = {name: list(column) for name, column in zip(case.columns, table, strict=True)}
    if case.matryoshka is None:
        value = _reference(case, columns, WIDTH)
    else:
        dims = [int(dim) for dim in case.matryoshka["dims"]]
        weights = case.matryoshka.get("weights")
        value = loss_reference.matryoshka(columns, dims, weights, lambda cut, dim: _reference(case, cut, dim))
    (gradient,) = torch.autograd.grad(value, table)
    return Outcome(value.detach(), gradient)


def sentence_transformers_outcome(case: ParityCase) -> Outcome:
    """What Sentence Transformers computes in float32."""
    from sentence_transformers_guided import guided_value_and_gradient  # slow to import
    from sentence_transformers_oracle import value_and_gradient

    guide = case.guide()
    if guide is not None:
        return Outcome(*guided_value_and_gradient(case.loss, case.parameters, case.table(), guide, case.matryoshka))
    torch.manual_seed(HEAD_SEED)
    extra = {"num_labels": 3} if case.loss == "SoftmaxLoss" else {}
    parameters = {**case.parameters, **extra}
    return Outcome(*value_and_gradient(case.loss, parameters, case.table(), case.labels(), case.matryoshka))


def differences(found: Outcome, wanted: Outcome) -> tuple[float, float]:
    """Relative difference of the values, and of the gradients in units of the largest component wanted."""
    value, target = found.value.double(), wanted.value.double()
    gradient, goal = found.gradient.double(), wanted.gradient.double()
    return (
        float((value - target).abs() / target.abs().clamp_min(1e-12)),
        float((gradient - goal).abs().max() / goal.abs().max().clamp_min(1e-12)),
    )


def _reference(case: ParityCase, columns: loss_reference.Columns, dim: int) -> Tensor:
    return reference_value(case, columns, _heads(case).get(dim, {}))


def reference_value(case: ParityCase, columns: loss_reference.Columns, head: Mapping[str, Tensor]) -> Tensor:
    """The plain loops' loss without any modifier, with a head's weight and bias where it has one."""
    function: Callable[..., Tensor] = REFERENCES[case.loss]
    labels = case.labels()
    positional = () if labels is None else (labels.tolist(),)
    return function(columns, *positional, **case.parameters, **head)


def _heads(case: ParityCase) -> dict[int, dict[str, Tensor]]:
    """Weight and bias of the heads, by the width they read; empty for losses without one."""
    parameters = {name: value.detach().double() for name, value in case.objective().named_parameters()}
    found: dict[int, dict[str, Tensor]] = {}
    for name, value in parameters.items():
        parts = name.split(".")
        dim = int(parts[1]) if case.matryoshka is not None else WIDTH
        found.setdefault(dim, {})[parts[-1]] = value
    return found


def _word(value: object) -> str:
    return "+".join(str(part) for part in value) if isinstance(value, list | tuple) else str(value)

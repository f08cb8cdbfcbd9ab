"""Every loss of the catalogue on the batches that break careless maths: value and gradient stay finite and sane.

On vectors, with every word that says how they are compared. What only the engine can show (empty texts, decoders, rows
that are made, half precision) is in `tests/conformance/test_degenerate_steps.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import get_args

import pytest
import torch
from conformance_rows import Form, forms_of
from objectives import Scored, built, built_for, scored_columns, scored_views
from pydantic import ValidationError
from torch import Tensor

from embtune.catalog import LossSpec
from embtune.catalog.parameter_docs import parameter_docs
from embtune.catalog.registry import losses
from embtune.catalog.roles import is_negative
from embtune.catalog.spec import LabelKind, RowMaking
from embtune.losses.objective import BuildContext, Objective, frozen_model

ROWS, WIDTH, CLASSES = 6, 4, 3
CONTEXT = BuildContext(embedding_dim=WIDTH, depth=0, class_count=CLASSES, label_width=WIDTH, full_dim=WIDTH)


@dataclass(frozen=True)
class Case:
    """A loss on rows of one form, with one word that differs from its defaults."""

    loss: str
    form: Form
    parameters: tuple[tuple[str, object], ...]

    def __str__(self) -> str:
        """The case in one line."""
        words = " ".join(f"{key}={value}" for key, value in self.parameters)
        return f"{self.loss} [{self.form}] {words}".strip()

    def objective(self) -> Objective:
        """The loss, with a fresh head."""
        torch.manual_seed(0)
        return built_for(CONTEXT, self.loss, **dict(self.parameters))

    def tables(self, rows: int = ROWS) -> Tensor:
        """(V, rows, D) random vectors, for the views of trained towers."""
        views = self.objective().request(self.form.roles).views
        trained = sum(frozen_model(view.tower) is None for view in views)
        return torch.randn(trained, rows, WIDTH, generator=torch.Generator().manual_seed(rows))

    def labels(self, rows: int = ROWS) -> Tensor | None:
        """Labels of the form's kind, all classes and both binary values among them."""
        generator = torch.Generator().manual_seed(1)
        negatives = sum(map(is_negative, self.form.roles))
        return {
            LabelKind.NONE: None,
            LabelKind.CLASS: torch.arange(rows) % CLASSES,
            LabelKind.BINARY: torch.arange(rows) % 2,
            LabelKind.SCORE: torch.rand(rows, generator=generator),
            LabelKind.VECTOR: torch.randn(rows, WIDTH, generator=generator),
            LabelKind.MARGIN: torch.randn(rows, negatives, generator=generator).squeeze(1),
            LabelKind.SCORES: torch.randn(rows, 1 + negatives, generator=generator),
        }[self.form.label]

    def score(self, table_VBD: Tensor, labels: Tensor | None) -> Scored:
        """The loss on these vectors; a guide, where there is one, sees what the first columns show."""
        objective = self.objective()
        frozen = sum(frozen_model(view.tower) is not None for view in objective.request(self.form.roles).views)
        guide = table_VBD[:frozen].detach() if frozen else None
        return scored_views(objective, self.form.roles, table_VBD, labels, row_block=4, guide_VBG=guide)


# a loss with a decoder needs token ids too: it is in the other file alone
ON_VECTORS = [spec for spec in losses() if spec.resolves_to is None and spec.made_of_texts is not RowMaking.NOISE]


def cases() -> Iterator[Case]:
    """Each loss on the first layout of each of its formats, with its defaults and with each word of each choice."""
    for spec in ON_VECTORS:
        required = {document.name: document.example for document in parameter_docs(spec) if document.required}
        for format in spec.formats:
            form = next(forms_of(format))
            of_texts = spec.made_of_texts is not None and form.label is LabelKind.NONE
            for words in () if of_texts else ({}, *_words(spec, required)):
                yield Case(spec.name, form, tuple({**required, **words}.items()))


def _words(spec: LossSpec, required: dict[str, object]) -> Iterator[dict[str, object]]:
    """Each choice of each parameter that is a word, where it may stand alone."""
    for name, field in spec.parameters.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        for word in (member for kind in kinds if isinstance(kind, type) and issubclass(kind, Enum) for member in kind):
            try:
                spec.parameters.model_validate({**required, name: word.value})
            except ValidationError:
                continue
            if word is not field.default:
                yield {name: word.value}


CASES = tuple(cases())
every_case = pytest.mark.parametrize("case", CASES, ids=str)


@every_case
def test_one_row(case: Case) -> None:
    assert case.score(case.tables(1), case.labels(1)).finite


@every_case
def test_equal_labels(case: Case) -> None:
    labels = case.labels()
    assert case.score(case.tables(), None if labels is None else labels[:1].expand_as(labels)).finite


@every_case
def test_all_labels_distinct(case: Case) -> None:
    assert case.score(case.tables(CLASSES), case.labels(CLASSES)).finite


@every_case
def test_equal_texts_everywhere(case: Case) -> None:
    table = case.tables()
    assert case.score(table[:1, :1].expand_as(table), case.labels()).finite


@every_case
@pytest.mark.parametrize("place", ["a row", "a column", "everywhere"])
def test_zero_vectors(case: Case, place: str) -> None:
    table = case.tables()
    if place == "a row":
        table[:, 0] = 0
    else:
        table[0 if place == "a column" else slice(None)] = 0
    found = case.score(table, case.labels())
    assert found.finite
    assert all(float(gradient.abs().max()) < 100 for gradient in found.gradients.values())


@every_case
def test_vectors_of_half_precision(case: Case) -> None:
    found = case.score(case.tables().bfloat16().float(), case.labels())
    assert found.finite
    assert found.value.dtype is torch.float32


@every_case
@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_very_short_and_very_long_vectors(case: Case, size: float) -> None:
    assert case.score(size * case.tables(), case.labels()).finite


def test_every_loss_on_vectors_is_here() -> None:
    assert {case.loss for case in CASES} == {spec.name for spec in ON_VECTORS}


def test_a_teacher_that_excludes_a_passage_gives_a_finite_loss() -> None:
    columns = {role: torch.randn(ROWS, WIDTH) for role in ("anchor", "positive", "negative")}
    labels = torch.tensor([[2.0, float("-inf")]] * ROWS)
    assert scored_columns(built("DistillKLDivLoss"), columns, labels).finite

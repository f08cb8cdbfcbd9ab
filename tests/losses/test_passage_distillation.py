"""A teacher's margins and scores: their forms, ragged negatives, passages ruled out, a frozen tower."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from objectives import batch_of, built, scored, scored_columns
from torch import Tensor

from embtune.losses.objective import Batch, View, guide_tower

INFINITY = float("inf")
LOSSES = pytest.mark.parametrize("name", ["MarginMSELoss", "DistillKLDivLoss"])


def columns(negatives: int, rows: int = 4) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(negatives)
    roles = ("anchor", "positive", *(f"negative_{k + 1}" for k in range(negatives)))
    return {role: torch.randn(rows, 4, generator=generator) for role in roles}


def ragged(labels: Tensor | None) -> Batch:
    """Four rows, the second and third with one negative instead of two."""
    present = {"negative_2": torch.tensor([True, False, False, True])}
    return replace(batch_of(columns(2), labels), present=present)


def test_margin_mse_on_an_example_worked_by_hand() -> None:
    table = {"anchor": [[1.0, 2.0]], "positive": [[3.0, 1.0]], "negative": [[0.0, 1.0]]}
    vectors = {role: torch.tensor(vector) for role, vector in table.items()}  # dots 5 and 2
    assert scored_columns(built("MarginMSELoss"), vectors, torch.tensor([1.0])).value == 4
    assert scored_columns(built("MarginMSELoss"), vectors, torch.tensor([[7.0, 4.0]])).value == 0


def test_distill_kl_is_zero_for_the_teachers_own_ranking_and_any_offset() -> None:
    table = columns(2)
    scores = torch.stack([(table["anchor"] * table[role]).sum(1) for role in list(table)[1:]], dim=1)
    found = scored_columns(built("DistillKLDivLoss"), table, scores + 3)
    assert abs(found.value.item()) < 1e-6
    assert all(float(gradient.abs().max()) < 1e-5 for gradient in found.gradients.values())


def test_margins_and_the_scores_they_come_from_give_one_loss() -> None:
    scores = torch.randn(4, 3)
    by_scores = scored_columns(built("MarginMSELoss"), columns(2), scores)
    by_margins = scored_columns(built("MarginMSELoss"), columns(2), scores[:, :1] - scores[:, 1:])
    torch.testing.assert_close(by_scores.value, by_margins.value)


def test_margin_mse_averages_over_the_negatives_that_are_there() -> None:
    margins = torch.tensor([[0.5, 1.0], [0.1, 9.0], [0.2, 9.0], [0.3, -1.0]])
    table, total, count = columns(2), 0.0, 0
    for row, (one, two) in enumerate([(True, True), (True, False), (True, False), (True, True)]):
        for column, there in enumerate((one, two)):
            if there:
                difference = table["positive"][row] - table[f"negative_{column + 1}"][row]
                total += (float(table["anchor"][row] @ difference) - float(margins[row, column])) ** 2
                count += 1
    found = scored(built("MarginMSELoss"), ragged(margins))
    assert found.value.item() == pytest.approx(total / count, rel=1e-5)
    assert not found.gradients["negative_2"][1:3].any()


def test_distill_kl_of_ragged_rows_is_that_of_rows_without_the_missing_passage() -> None:
    scores = torch.tensor([[2.0, 1.0, 0.5], [1.0, 0.2, 0.0], [0.5, 1.0, 0.0], [3.0, 1.0, 2.0]])
    whole = scored_columns(built("DistillKLDivLoss"), columns(2), scores)
    found = scored(built("DistillKLDivLoss"), ragged(scores))
    shorter = {role: column[1:3] for role, column in columns(2).items() if role != "negative_2"}
    short = scored_columns(built("DistillKLDivLoss"), shorter, scores[1:3, :2])
    longer = {role: column[[0, 3]] for role, column in columns(2).items()}
    long = scored_columns(built("DistillKLDivLoss"), longer, scores[[0, 3]])
    torch.testing.assert_close(found.value, (short.value + long.value) / 2)
    assert found.finite
    assert found.value != whole.value


def test_a_passage_scored_minus_infinity_gets_no_probability() -> None:
    scores = torch.tensor([[2.0, -INFINITY, 0.5]] * 4)
    found = scored_columns(built("DistillKLDivLoss"), columns(2), scores)
    low = scored_columns(built("DistillKLDivLoss"), columns(2), scores.clamp_min(-60))
    assert found.finite
    torch.testing.assert_close(found.value, low.value)


def test_a_passage_scored_minus_infinity_has_no_margin() -> None:
    scores = torch.tensor([[2.0, -INFINITY, 0.5], [-INFINITY, 1.0, 0.0], [1.0, 0.5, 0.0], [0.3, 0.2, 0.1]])
    found = scored_columns(built("MarginMSELoss"), columns(2), scores)
    assert found.finite
    assert not found.gradients["negative_1"][:2].any()
    assert not found.gradients["positive"][1].any()


@LOSSES
def test_rows_without_any_value_of_the_teacher_give_zero_or_are_left_out(name: str) -> None:
    empty = torch.zeros(4, dtype=torch.bool)
    batch = replace(ragged(torch.randn(4, 3)), present={"negative_1": empty, "negative_2": empty})
    found = scored(built(name), batch)
    assert found.finite
    assert found.value == 0


@LOSSES
def test_a_teacher_scores_as_labels_would(name: str) -> None:
    objective, tower = built(name, teacher="wise"), guide_tower("wise")
    batch = ragged(None)
    teacher = {role: torch.randn(4, 6) for role in columns(2)}
    assert set(objective.request(tuple(teacher)).views) == {*map(View, teacher), *(View(r, tower) for r in teacher)}
    frozen = {View(role, tower): vectors for role, vectors in teacher.items()}
    scores = torch.stack([(teacher["anchor"] * teacher[role]).sum(1) for role in list(teacher)[1:]], dim=1)
    taught = scored(objective, replace(batch, frozen=frozen)).value
    torch.testing.assert_close(taught, scored(built(name), ragged(scores)).value)


@LOSSES
def test_ragged_parts_of_a_step_add_up_to_the_step(name: str) -> None:
    scores = torch.randn(4, 3)
    scores[0, 1] = -INFINITY
    whole = ragged(scores)
    parts = []
    for rows in ([0, 2], [1], [3]):
        some = whole.map(lambda table, rows=rows: table[:, rows])  # type: ignore[misc]
        present = {role: there[rows] for role, there in whole.present.items()}
        part = replace(some, labels=scores[rows], present=present, size=len(rows), whole=replace(whole, embeddings={}))
        parts.append(scored(built(name), part).value)
    torch.testing.assert_close(torch.stack(parts).sum(), scored(built(name), whole).value)


def test_temperatures_are_those_of_each_side() -> None:
    scores = torch.randn(4, 3)
    halved = {role: column / 2 if role == "anchor" else column for role, column in columns(2).items()}
    plain = scored_columns(built("DistillKLDivLoss"), halved, scores / 3).value
    softened = built("DistillKLDivLoss", student_temperature=2.0, teacher_temperature=3.0)
    torch.testing.assert_close(scored_columns(softened, columns(2), scores).value, 4 * plain)
    both = built("DistillKLDivLoss", temperature=2.0)
    apart = built("DistillKLDivLoss", student_temperature=2.0, teacher_temperature=2.0)
    assert scored_columns(both, columns(2), scores).value == scored_columns(apart, columns(2), scores).value

from __future__ import annotations

import math

import pytest
import torch
from objectives import CONTEXT, batch_of, built_for, scored_columns
from torch import Tensor

from embtune.errors import ConfigError
from embtune.losses.objective import BuildContext
from embtune.losses.softmax import Softmax

NO_CLASSES = BuildContext(embedding_dim=4, depth=0)


def columns(rows: int) -> dict[str, Tensor]:
    return {role: torch.randn(rows, 4) for role in ("sentence_A", "sentence_B")}


def softmax(context: BuildContext = CONTEXT, **parameters: object) -> Softmax:
    objective = built_for(context, "SoftmaxLoss", **parameters)
    assert isinstance(objective, Softmax)
    return objective


def test_head_is_sized_by_model_and_data() -> None:
    assert softmax().classifier.weight.shape == (3, 3 * 4)
    every_feature = softmax(NO_CLASSES, num_labels=5, concatenation_sent_multiplication=True)
    assert every_feature.classifier.weight.shape == (5, 4 * 4)


def test_head_is_drawn_from_the_global_generator() -> None:
    torch.manual_seed(1)
    first = softmax().classifier.weight
    torch.manual_seed(1)
    assert torch.equal(first, softmax().classifier.weight)
    assert not torch.equal(first, softmax().classifier.weight)


def test_a_zero_head_costs_the_log_of_the_classes_and_its_bias_learns() -> None:
    objective = softmax()
    torch.nn.init.zeros_(objective.classifier.weight)
    torch.nn.init.zeros_(objective.classifier.bias)
    (loss,) = objective.terms(batch_of(columns(2), torch.tensor([0, 0]))).values()
    assert loss.item() == pytest.approx(math.log(3))
    (gradient,) = torch.autograd.grad(loss, objective.classifier.bias)
    torch.testing.assert_close(gradient, torch.tensor([-2 / 3, 1 / 3, 1 / 3]))


def test_class_probabilities_equal_classes_where_they_are_certain() -> None:
    objective, texts, classes = softmax(), columns(3), torch.tensor([2, 0, 1])
    certain = torch.nn.functional.one_hot(classes, 3)
    by_class = scored_columns(objective, texts, classes)
    torch.testing.assert_close(scored_columns(objective, texts, certain).value, by_class.value)


def test_too_few_classes_and_unknown_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match="num_labels is 2, but the data has 3 classes"):
        softmax(num_labels=2)
    with pytest.raises(ConfigError, match="give num_labels"):
        softmax(NO_CLASSES)

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch
from objectives import parsed

from embtune.errors import ConfigError
from embtune.losses.objective import Batch, BuildContext, Objective, View
from embtune.losses.softmax import Softmax
from embtune.modifiers.build import build_objective

CONTEXT = BuildContext(embedding_dim=8, depth=3, class_count=3)
PAIR = ("sentence_A", "sentence_B")
DIMS = (8, 4, 2)
ALL = {"n_layers_per_step": -1, "n_dims_per_step": -1}


def built(modifiers: dict[str, dict[str, object]], loss: str = "CosineSimilarityLoss") -> Objective:
    return build_objective([(*parsed(loss), 1.0)], [parsed(name, **each) for name, each in modifiers.items()], CONTEXT)


def drawn(seed: int) -> Batch:
    generator = torch.Generator().manual_seed(1)
    views = {View(role): torch.randn(4, 5, 8, generator=generator) for role in PAIR}
    labels = torch.rand(5, generator=generator)
    return Batch(views, labels, size=5, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sampling", [{}, ALL, {"n_layers_per_step": 2, "n_dims_per_step": 2}])
def test_it_is_adaptive_layer_around_matryoshka(sampling: dict[str, object]) -> None:
    settings = {"n_dims_per_step": 1} | sampling
    dims_per_step = settings.pop("n_dims_per_step")
    both = {
        "MatryoshkaLoss": {"dims": DIMS, "weights": (1.0, 0.5, 2.0), "n_dims_per_step": dims_per_step},
        "AdaptiveLayerLoss": {**settings, "layer_weighting": "log", "kl_div_weight": 0.5},
    }
    one = {"dims": DIMS, "weights": (1.0, 0.5, 2.0), "layer_weighting": "log", "kl_div_weight": 0.5, **sampling}
    for seed in range(5):
        assert built({"Matryoshka2dLoss": one}).terms(drawn(seed)) == built(both).terms(drawn(seed))


def test_each_layer_draws_a_dim_of_its_own() -> None:
    objective = built({"Matryoshka2dLoss": {"dims": DIMS}})
    pairs = []
    for seed in range(90):
        terms = objective.terms(drawn(seed))
        assert list(terms) == list(objective.terms(drawn(0)))
        (final,) = (dim for dim in DIMS if terms[f"cosine_similarity@{dim}"])
        (inner,) = (dim for dim in DIMS if terms[f"cosine_similarity@{dim}@layers"])
        pairs.append((final, inner))
    assert len(set(pairs)) == len(DIMS) ** 2
    assert max(Counter(pairs).values()) < 30, "each of the nine pairs is expected ten times"


def test_the_divergence_is_that_of_the_full_width() -> None:
    alone = built({"AdaptiveLayerLoss": {"n_layers_per_step": -1}}).terms(drawn(0))["kl@layers"]
    assert built({"Matryoshka2dLoss": {"dims": (2,), **ALL}}).terms(drawn(0))["kl@layers"] == alone


def test_a_head_is_built_for_each_dim_and_used_after_every_layer() -> None:
    objective = built({"Matryoshka2dLoss": {"dims": DIMS, **ALL}}, "SoftmaxLoss")
    heads = [module.classifier.weight.shape[1] for module in objective.modules() if isinstance(module, Softmax)]
    assert heads == [3 * dim for dim in DIMS]


def test_a_dim_wider_than_the_model_and_a_model_without_layers_are_refused() -> None:
    with pytest.raises(ConfigError, match="dims has 16"):
        built({"Matryoshka2dLoss": {"dims": (16,)}})
    with pytest.raises(ConfigError, match="no inner layers"):
        build_objective(
            [(*parsed("CoSENTLoss"), 1.0)], [parsed("Matryoshka2dLoss", dims=[8])], replace(CONTEXT, depth=0)
        )

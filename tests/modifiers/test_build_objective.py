from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from objectives import CONTEXT, batch_of, built, parsed, scored_columns

from embtune.errors import ConfigError
from embtune.losses.multiple_negatives_ranking import MultipleNegativesRanking
from embtune.modifiers.build import build_objective
from embtune.modifiers.matryoshka import Matryoshka
from embtune.modifiers.weighted import WeightedSum

RANKED = {role: torch.randn(5, 4) for role in ("anchor", "positive")}


def test_a_cached_name_is_the_plain_loss() -> None:
    cached = built("CachedMultipleNegativesRankingLoss", scale=7.0)
    assert isinstance(cached, MultipleNegativesRanking)
    assert scored_columns(cached, RANKED).value == scored_columns(built("mnrl", scale=7.0), RANKED).value


@pytest.mark.parametrize(
    "name", ["MultipleNegativesSymmetricRankingLoss", "CachedMultipleNegativesSymmetricRankingLoss"]
)
def test_a_symmetric_name_presets_both_directions(name: str) -> None:
    ways = ["query_to_doc", "doc_to_query"]
    both_ways = built("mnrl", temperature=0.1, directions=ways, partition_mode="per_direction")
    wanted = scored_columns(both_ways, RANKED)
    assert scored_columns(built(name, temperature=0.1), RANKED).value == wanted.value


def test_one_loss_of_weight_one_stands_alone() -> None:
    loss = parsed("CoSENTLoss")
    assert not isinstance(build_objective([(*loss, 1.0)], [], CONTEXT), WeightedSum)
    assert isinstance(build_objective([(*loss, 0.5)], [], CONTEXT), WeightedSum)


def test_modifiers_wrap_all_losses_the_innermost_first() -> None:
    losses = [(*parsed("CoSENTLoss"), 1.0), (*parsed("CosineSimilarityLoss"), 2.0)]
    outer, inner = parsed("MatryoshkaLoss", dims=[3]), parsed("MatryoshkaLoss", dims=[2, 1])
    objective = build_objective(losses, [inner, outer], CONTEXT)
    assert isinstance(objective, Matryoshka)
    columns = {role: torch.randn(4, 4) for role in ("sentence_A", "sentence_B")}
    terms = objective.terms(batch_of(columns, torch.tensor([0.0, 0.2, 0.4, 1.0])))
    assert set(terms) == {f"{name}@{dim}@3" for name in ("cosent", "cosine_similarity") for dim in (2, 1)}


def test_missing_code_is_a_config_error() -> None:
    spec, parameters = parsed("CoSENTLoss")
    lost = replace(spec, implementation="embtune.losses.nowhere:Nothing")
    with pytest.raises(ConfigError, match=r"embtune\.losses\.nowhere:Nothing, cannot be loaded"):
        build_objective([(lost, parameters, 1.0)], [], CONTEXT)

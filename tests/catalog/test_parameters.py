"""Parameters: what is accepted, what is refused and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from embtune.catalog import all_specs, find_spec
from embtune.catalog.entries.multiple_negatives_ranking import RankingParameters
from embtune.catalog.parameter_docs import parameter_docs

ALL_DIRECTIONS = ["query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc"]

REFUSED: list[tuple[str, dict[str, object], str]] = [
    ("mnrl", {"scale": 0}, "greater than 0"),
    ("mnrl", {"scale": "20"}, "valid number"),
    ("mnrl", {"scale": True}, "valid number"),
    ("mnrl", {"scale": float("nan")}, "finite"),
    ("mnrl", {"temperature": -0.1}, "greater than 0"),
    ("mnrl", {"scale": 20, "temperature": 0.05}, "not both"),
    ("mnrl", {"directions": ["doc_to_query"]}, "must contain query_to_doc"),
    ("mnrl", {"directions": ["query_to_doc", "query_to_doc"]}, "twice"),
    ("mnrl", {"directions": ALL_DIRECTIONS, "partition_mode": "per_direction"}, "doc_to_doc and query_to_query"),
    ("mnrl", {"hardness_mode": "hard_negatives"}, "no effect while hardness_strength is 0"),
    ("mnrl", {"hardness_strength": 5}, "no effect without a hardness_mode"),
    ("mnrl", {"similarity_fct": "cos_sim"}, "'cosine'"),
    ("mnrl", {"mini_batch_size": 32}, "Extra inputs"),
    ("symmetric-mnrl", {"directions": ["query_to_doc"]}, "Extra inputs"),
    ("triplet", {"triplet_margin": 0}, "greater than 0"),
    ("softmax", {"num_labels": 1}, "greater than or equal to 2"),
    ("softmax", {"concatenation_sent_rep": False, "concatenation_sent_difference": False}, "sees nothing"),
    ("contrastive", {"size_average": 1}, "valid boolean"),
    ("matryoshka", {}, "Field required"),
    ("matryoshka", {"dims": []}, "at least 1"),
    ("matryoshka", {"dims": [64, 64]}, "twice"),
    ("matryoshka", {"dims": [64, 0]}, "greater than or equal to 1"),
    ("matryoshka", {"dims": [64, 32], "weights": [1.0]}, "1 numbers for 2 dims"),
    ("matryoshka", {"dims": [64], "weights": [0.0]}, "nothing would be trained"),
    ("matryoshka", {"dims": [64], "n_dims_per_step": 0}, "or -1 for all"),
    ("matryoshka", {"dims": [64], "n_dims_per_step": 2}, "there are 1 dims"),
]


@pytest.mark.parametrize(("name", "values", "message"), REFUSED)
def test_what_is_refused_and_why(name: str, values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        find_spec(name).parameters.model_validate(values)


@given(st.floats(min_value=1e-6, max_value=1e6))
def test_temperature_is_the_inverse_of_scale_and_only_scale_is_kept(temperature: float) -> None:
    parameters = RankingParameters.model_validate({"temperature": temperature})
    assert parameters.scale == 1 / temperature
    assert "temperature" not in parameters.model_dump()


def test_dumped_parameters_load_back_to_equal_ones() -> None:
    for spec in all_specs():
        values = {document.name: document.example for document in parameter_docs(spec) if document.required}
        parameters = spec.parameters.model_validate(values)
        assert spec.parameters.model_validate(parameters.model_dump(mode="json")) == parameters


def test_four_directions_share_one_softmax() -> None:
    parameters = RankingParameters.model_validate(
        {"directions": ALL_DIRECTIONS, "hardness_mode": "all_negatives", "hardness_strength": 5}
    )
    assert [direction.value for direction in parameters.directions] == ALL_DIRECTIONS

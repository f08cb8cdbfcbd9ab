"""What every entry of the catalogue owes: documentation, names, parameters that are Sentence Transformers' own."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from embtune.catalog import LossSpec, all_specs, effective_parameters, effective_spec, find_spec, loss_names
from embtune.catalog.page import minimal_config
from embtune.catalog.parameter_docs import parameter_docs
from embtune.config import load_config

# the names of the overview, spelled as it spells them
OVERVIEW = {
    "AdaptiveLayerLoss",
    "AnglELoss",
    "BatchAllTripletLoss",
    "BatchHardSoftMarginTripletLoss",
    "BatchHardTripletLoss",
    "BatchSemiHardTripletLoss",
    "CachedGISTEmbedLoss",
    "CachedMultipleNegativesRankingLoss",
    "CachedMultipleNegativesSymmetricRankingLoss",
    "CoSENTLoss",
    "ContrastiveLoss",
    "ContrastiveTensionLoss",
    "ContrastiveTensionLossInBatchNegatives",
    "CosineSimilarityLoss",
    "DenoisingAutoEncoderLoss",
    "DistillKLDivLoss",
    "EmbedDistillLoss",
    "GISTEmbedLoss",
    "GlobalOrthogonalRegularizationLoss",
    "MSELoss",
    "MarginMSELoss",
    "Matryoshka2dLoss",
    "MatryoshkaLoss",
    "MegaBatchMarginLoss",
    "MultipleNegativesRankingLoss",
    "MultipleNegativesSymmetricRankingLoss",
    "OnlineContrastiveLoss",
    "SoftmaxLoss",
    "TripletLoss",
}
SPECS = pytest.mark.parametrize("spec", all_specs(), ids=lambda spec: spec.name)

# what a loss of Sentence Transformers is told and embtune knows: the model, the machine, the data
NOT_PARAMETERS = {
    "self", "model", "loss", "gather_across_devices", "mini_batch_size", "mini_batch_num_tokens", "show_progress_bar",
    "embedding_dimension", "use_mini_batched_version",
}  # fmt: skip
OUR_NAME = {"matryoshka_dims": "dims", "matryoshka_weights": "weights"}
OURS_ALONE = {"temperature", "scale", "guide_prompts", "teacher", "teacher_prompts", "noise", "noise_ratio"}
# a head that is trained by cross entropy; callables are words here, their defaults are spelled out below
LEFT_OUT = {("SoftmaxLoss", "loss_fct")}
WORDS = {
    "similarity_fct": "cosine",
    ("MarginMSELoss", "similarity_fct"): "dot",
    ("DistillKLDivLoss", "similarity_fct"): "dot",
    ("TripletLoss", "distance_metric"): "euclidean",
    ("ContrastiveLoss", "distance_metric"): "cosine",
    ("OnlineContrastiveLoss", "distance_metric"): "cosine",
    ("BatchAllTripletLoss", "distance_metric"): "euclidean",
    ("BatchHardTripletLoss", "distance_metric"): "euclidean",
    ("BatchHardSoftMarginTripletLoss", "distance_metric"): "euclidean",
    ("BatchSemiHardTripletLoss", "distance_metric"): "euclidean",
    "loss_fct": "mse",
    "cos_score_transformation": "identity",
}


def test_names_are_spelled_as_in_the_overview() -> None:
    assert {spec.name for spec in all_specs()} <= OVERVIEW


def test_names_and_aliases_are_unique_and_find_their_entry() -> None:
    words = [word for spec in all_specs() for word in (spec.name, spec.alias)]
    assert len(set(words)) == len(words) == len(loss_names())
    assert all(find_spec(spec.alias) is spec is find_spec(spec.name) for spec in all_specs())


@SPECS
def test_every_entry_is_documented(spec: LossSpec) -> None:
    assert spec.purpose.endswith(".")
    assert "\n" not in spec.purpose
    assert spec.formula.startswith("loss = ")
    assert spec.formula.isascii()
    assert max(map(len, spec.formula.splitlines())) <= 78
    assert spec.reduction
    assert spec.degenerate
    assert spec.papers
    assert all(paper.link.startswith("https://") and paper.year > 1990 for paper in spec.papers)
    assert all(document.description.endswith(".") for document in parameter_docs(spec))
    assert spec.is_modifier is (spec.coupling is None) is (not spec.formats)
    assert re.fullmatch(r"[a-z][a-z0-9-]*", spec.alias)


@SPECS
def test_the_minimal_config_of_a_page_is_a_valid_config(spec: LossSpec, tmp_path: Path) -> None:
    path = tmp_path / "minimal.yaml"
    path.write_text(minimal_config(spec), encoding="utf-8")
    config = load_config(path).config
    assert spec.name in [entry.spec.name for entry in (*config.loss, *config.modifiers)]


@SPECS
def test_the_implementation_is_there(spec: LossSpec) -> None:
    module, _, name = spec.implementation.partition(":")
    assert inspect.isclass(getattr(import_module(module), name))


@SPECS
def test_parameters_and_defaults_are_those_of_sentence_transformers(spec: LossSpec) -> None:
    losses = pytest.importorskip("sentence_transformers.sentence_transformer.losses")
    signature = inspect.signature(getattr(losses, spec.name).__init__).parameters
    theirs = {name: value.default for name, value in signature.items() if name not in NOT_PARAMETERS}
    ours = {document.name: document for document in parameter_docs(spec)}
    assert set(ours) - (OURS_ALONE - set(theirs)) == {
        OUR_NAME.get(name, name) for name in theirs if (spec.name, name) not in LEFT_OUT
    }
    for name, default in theirs.items():
        document = ours.get(OUR_NAME.get(name, name))
        if document is None or (spec.name, name) == ("SoftmaxLoss", "num_labels"):
            continue
        wanted = WORDS.get((spec.name, name), WORDS.get(name, default))
        wanted = list(wanted) if isinstance(wanted, tuple) else wanted
        assert document.required if default is inspect.Parameter.empty else document.default == wanted


@SPECS
def test_a_preset_gives_parameters_its_target_accepts(spec: LossSpec) -> None:
    if spec.resolves_to is None:
        assert effective_spec(spec) is spec
        return
    known: dict[str, object] = {"guide": "some/model", "scale": 7.0, "temperature": 7.0, "projection_dim": 7}
    first = "temperature" if "guide" in spec.parameters.model_fields else "scale"
    names = ("guide", first) if first in spec.parameters.model_fields else ("projection_dim",)
    given = {name: known[name] for name in names if name in spec.parameters.model_fields}
    parameters = effective_parameters(spec, spec.parameters.model_validate(given))
    assert isinstance(parameters, effective_spec(spec).parameters)
    values = parameters.model_dump(mode="json")
    assert given.items() <= values.items()
    assert {key: values[key] for key in spec.presets} == {
        key: list(value) if isinstance(value, tuple) else value for key, value in spec.presets.items()
    }

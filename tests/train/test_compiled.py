"""Compiled layers: the same training, to rounding, and exact where two passes have to be one program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from engine import engine, examples, scratch_model

from embtune.catalog.spec import LabelKind
from embtune.config.sections.model import LoraConfig
from embtune.config.words import Precision
from embtune.model.compiling import compile_layers, layers_of, why_not_compile
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.encoder import TransformerEncoder
from embtune.model.lora import add_lora
from embtune.model.packing import pack
from embtune.model.save import save_model
from embtune.train.compile_choice import choose_compile

# Of torch's own: modules that it imports to compile, and what it looks at while it traces.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning"),
]

CPU, GPU = torch.device("cpu"), torch.device("cuda")
TEXTS = ["a cat sat", "an old dog ran under the tree by the river"]


@pytest.fixture(scope="module")
def compiler() -> None:
    """Skips where torch has no compiler to compile with."""
    trouble = why_not_compile(CPU)
    if trouble is not None:
        pytest.skip(f"torch cannot compile here: {trouble}")


@pytest.fixture(autouse=True)
def _forget_programs() -> Iterator[None]:
    """Each test compiles what it compiles."""
    yield
    torch.compiler.reset()


def _model(dropout: float = 0.1, packed: bool = False) -> TextEmbedder:
    model = scratch_model("transformer?layers=2&width=32&heads=2", dropout)
    if packed:
        assert isinstance(model.encoder, TransformerEncoder)
        model.eval()
        assert pack(model.encoder)
    return model.train()


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
def test_compiled_layers_train_alike_and_are_recomputed_bit_for_bit(packed: bool) -> None:
    data = examples(("anchor", "positive"), LabelKind.NONE)
    plain = engine("mnrl", data, model=_model(0.0, packed))
    plain.step()
    compiled = engine("mnrl", data, model=_model(0.0, packed))
    assert compile_layers(compiled.model)
    compiled.step()
    expected = plain.gradients()
    for name, gradient in compiled.gradients().items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=1e-5, msg=name)
    dropping = engine("mnrl", data, model=_model(0.1, packed))
    assert compile_layers(dropping.model)
    assert dropping.step().recomputed == 0
    kept = dropping.gradients()
    assert dropping.step(kept=0).recomputed > 0
    assert all(torch.equal(gradient, kept[name]) for name, gradient in dropping.gradients().items())


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_what_was_computed_before_does_not_show_in_a_resumed_run() -> None:
    gradients = []
    for resumed in (False, True):
        made = engine("mnrl", examples(("anchor", "positive"), LabelKind.NONE), model=_model(0.1))
        assert compile_layers(made.model)
        if not resumed:
            made.step(budget=64, seed=1)
        made.step()
        gradients.append(made.gradients())
        torch.compiler.reset()
    assert all(torch.equal(gradient, gradients[0][name]) for name, gradient in gradients[1].items())


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_low_rank_updates_are_compiled_with_their_layers() -> None:
    data, gradients = examples(("anchor", "positive"), LabelKind.NONE), []
    for compiled in (False, True):
        model = _model(0.0)
        add_lora(model, LoraConfig(r=2, dropout=0.0), "m", None, seed=1)
        made = engine("mnrl", data, model=model.train())
        assert not compiled or compile_layers(model)
        made.step()
        gradients.append(made.gradients())
    assert any("lora_" in name for name in gradients[0])
    for name, gradient in gradients[1].items():
        torch.testing.assert_close(gradient, gradients[0][name], rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_every_layer_comes_out_of_compiled_layers_too() -> None:
    model = _model(0.0)
    features = model.collate([np.array([5, 6, 7]), np.array([8])])
    expected = model(features, every_layer=True)
    assert compile_layers(model)
    torch.testing.assert_close(model(features, every_layer=True), expected, rtol=1e-4, atol=1e-5)


def test_what_is_evaluated_and_saved_is_what_it_was(tmp_path: Path) -> None:
    plain, compiled = _model(), _model()
    assert compile_layers(compiled)
    np.testing.assert_array_equal(encode_texts(compiled, TEXTS), encode_texts(plain, TEXTS))
    assert compiled.state_dict().keys() == plain.state_dict().keys()
    for name, model in (("plain", plain), ("compiled", compiled)):
        save_model(model, tmp_path / name)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("plain", "compiled")]
    assert weights[0] == weights[1]


def test_a_static_model_has_no_layers_to_compile() -> None:
    model = scratch_model("static?width=16")
    assert layers_of(model) == []
    assert not compile_layers(model)
    assert not model.compiled


def test_the_layers_are_those_of_the_model() -> None:
    assert len(layers_of(_model())) == 2


@pytest.mark.parametrize(
    ("asked", "device", "tokens", "wanted"),
    [
        (None, CPU, 10**12, False),
        (None, GPU, 10**6, False),
        (None, GPU, 10**9, True),
        (True, CPU, 1, True),
        (False, GPU, 10**12, False),
    ],
)
def test_auto_compiles_long_runs_on_a_gpu(asked: bool | None, device: torch.device, tokens: int, wanted: bool) -> None:
    """At 2e14 operations a second, a billion tokens take layers of 80 million weights 40 minutes."""
    choice = choose_compile(asked, device, 80_000_000, tokens)
    assert choice.wanted is wanted
    assert ("40 min" in choice.reason) is (tokens == 10**9)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", [Precision.FP32, Precision.BF16])
def test_compiled_packed_layers_are_recomputed_bit_for_bit_on_a_gpu(precision: Precision) -> None:
    model = _model(0.1, packed=True).cuda()
    data = examples(("anchor", "positive"), LabelKind.NONE)
    made = engine("mnrl", data, model=model.train(), precision=precision)
    assert compile_layers(made.model)
    prepared = made.prepared().map(lambda tensor: tensor.cuda())
    made.run(prepared)
    kept = made.gradients()
    made.run(prepared, kept=0)
    for name, gradient in made.gradients().items():
        torch.testing.assert_close(gradient, kept[name], rtol=1e-3, atol=1e-5, msg=name)

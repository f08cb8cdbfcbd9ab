"""PEFT adapters: written so that PEFT reads them, read wherever PEFT and Sentence Transformers write them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoHaConfig, LoraConfig, PeftModel, PrefixTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from small_models import TEXTS
from test_lora import STATIC, loaded, updated
from transformers import AutoModel, AutoModelForCausalLM, BertForSequenceClassification, PreTrainedModel

from embtune.errors import ModelError
from embtune.model.adapter import save_adapter
from embtune.model.encode import encode_texts
from embtune.model.encoder import TransformerEncoder
from embtune.model.lora import has_lora
from embtune.model.save import save_model

# PEFT asks transformers by a name that is going to be removed.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
Plain = Callable[[str], Path]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A Sentence Transformers folder, its weights in a folder of their own."""
    folder = tmp_path / "base"
    save_model(loaded("scratch:transformer?layers=2&width=16&heads=2"), folder)
    return folder


def adapter_of(base: Path, folder: Path) -> np.ndarray:
    """Write an adapter for `base`, and give the vectors that the updated model has."""
    model = updated(loaded(str(base)))
    save_adapter(model, folder)
    _rename_base(folder, str(base))
    return encode_texts(model, TEXTS)


def _rename_base(folder: Path, base: str) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": base}))


def randomised(model: PeftModel) -> PeftModel:
    """An adapter as if it had been trained."""
    torch.manual_seed(5)
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def hidden_states(model: torch.nn.Module, folder: Path) -> np.ndarray:
    """Mean-pooled states of the texts, one at a time, by transformers alone."""
    tokenizer = loaded(str(folder)).tokenizer
    rows = []
    for ids in tokenizer.encode(TEXTS, 62):
        states = model(input_ids=torch.from_numpy(ids.astype(np.int64))[None]).last_hidden_state
        rows.append(states[0].mean(0).detach().numpy())
    return np.stack(rows)


@pytest.mark.parametrize("name", ["bert", "roberta", "distilbert", "modernbert", "qwen3"])
def test_peft_reads_what_was_written_and_gives_the_same_vectors(tmp_path: Path, plain_folder: Plain, name: str) -> None:
    folder = plain_folder(name)
    model = updated(loaded(str(folder)))
    assert isinstance(model.encoder, TransformerEncoder)
    save_adapter(model, tmp_path / "adapter")
    backbone = AutoModel.from_pretrained(folder)
    read = PeftModel.from_pretrained(backbone, str(tmp_path / "adapter")).eval()  # it would warn of missing keys
    ours = hidden_states(model.encoder.model, folder)
    np.testing.assert_allclose(hidden_states(read, folder), ours, atol=1e-5, rtol=1e-5)
    assert not any(parameter.requires_grad for parameter in read.parameters())
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["r"], config["lora_alpha"]) == ("a-name", 2, 6.0)


@pytest.mark.parametrize("kind", ["scratch:transformer?layers=2&width=16&heads=2", STATIC])
def test_an_adapter_is_a_model_whose_base_is_found_and_merged(tmp_path: Path, kind: str) -> None:
    save_model(loaded(kind), tmp_path / "base")
    expected = adapter_of(tmp_path / "base", tmp_path / "adapter")
    read = loaded(str(tmp_path / "adapter"))
    assert not has_lora(read)
    assert all(parameter.requires_grad for parameter in read.parameters())
    np.testing.assert_allclose(encode_texts(read, TEXTS), expected, atol=1e-5, rtol=1e-5)
    again = encode_texts(updated(read), TEXTS)  # a merged model may be given new updates
    assert np.abs(again - expected).max() > 1e-3


def test_peft_merges_a_static_adapter_into_a_table_of_its_own(tmp_path: Path) -> None:
    model = updated(loaded(STATIC))
    save_adapter(model, tmp_path / "adapter")
    base = model.encoder.token_vectors.detach().clone()
    table = torch.nn.Module()
    table.embedding = torch.nn.Embedding(len(base), 8, _weight=base)
    read = PeftModel.from_pretrained(table, str(tmp_path / "adapter"))
    merged = read.merge_and_unload().embedding.weight
    save_model(model, tmp_path / "model")
    torch.testing.assert_close(merged, loaded(str(tmp_path / "model")).encoder.token_vectors.detach())


def test_a_folder_that_sentence_transformers_wrote_with_an_adapter(tmp_path: Path, base: Path) -> None:
    theirs = SentenceTransformer(str(base), device="cpu")
    theirs.add_adapter(LoraConfig(task_type="FEATURE_EXTRACTION", r=2, target_modules=["query", "value"]))
    torch.manual_seed(5)
    for name, parameter in theirs.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    theirs.save_pretrained(str(tmp_path / "st"))
    assert not (tmp_path / "st" / "model.safetensors").exists()
    expected = theirs.encode(TEXTS)
    assert np.abs(expected - encode_texts(loaded(str(base)), TEXTS)).max() > 1e-3
    np.testing.assert_allclose(encode_texts(loaded(str(tmp_path / "st")), TEXTS), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "auto", "config"),
    [
        ("qwen3", AutoModelForCausalLM, LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], use_dora=True)),
        ("bert", BertForSequenceClassification, LoHaConfig(target_modules=["query", "dense"], modules_to_save=[])),
    ],
)
def test_an_adapter_that_peft_wrote_of_a_model_with_a_head(
    tmp_path: Path, plain_folder: Plain, architecture: str, auto: type[PreTrainedModel], config: LoraConfig
) -> None:
    folder = plain_folder(architecture)
    theirs = randomised(get_peft_model(auto.from_pretrained(folder), config))
    theirs.save_pretrained(str(tmp_path / "adapter"))
    _rename_base(tmp_path / "adapter", str(folder))
    merged = theirs.merge_and_unload().base_model
    ours = loaded(str(tmp_path / "adapter"))
    assert isinstance(ours.encoder, TransformerEncoder)
    wanted = hidden_states(merged, folder)
    np.testing.assert_allclose(hidden_states(ours.encoder.model, folder), wanted, atol=1e-5, rtol=1e-5)


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        loaded(str(folder))
    return str(caught.value)


def test_what_is_wrong_with_an_adapter_is_told(tmp_path: Path, base: Path) -> None:
    adapter = tmp_path / "adapter"
    adapter_of(base, adapter)
    weights = load_file(adapter / "adapter_model.safetensors")
    _rename_base(adapter, "")
    assert "base_model_name_or_path: missing" in refusal(adapter)
    _rename_base(adapter, str(tmp_path / "gone"))
    assert "the base model: there is no folder" in refusal(adapter)
    _rename_base(adapter, str(adapter))
    assert "cannot be the base model of another" in refusal(adapter)
    _rename_base(adapter, str(base))
    save_file(dict(list(weights.items())[1:]), adapter / "adapter_model.safetensors")
    assert "cannot be merged into its base model" in refusal(adapter)
    save_file(
        weights | {"base_model.model.other.lora_A.weight": torch.zeros(2, 2)}, adapter / "adapter_model.safetensors"
    )
    assert "'base_model.model.other.lora_A" in refusal(adapter)
    (adapter / "adapter_model.safetensors").unlink()
    assert "there is no adapter_model.safetensors" in refusal(adapter)


def test_an_adapter_of_another_model_is_refused(tmp_path: Path, base: Path) -> None:
    adapter_of(base, tmp_path / "adapter")
    save_model(loaded("scratch:transformer?layers=1&width=32&heads=2"), tmp_path / "other")
    _rename_base(tmp_path / "adapter", str(tmp_path / "other"))
    assert "cannot be merged into its base model" in refusal(tmp_path / "adapter")


def test_what_is_no_adapter_of_weights_is_refused(tmp_path: Path, plain_folder: Plain) -> None:
    folder = plain_folder("qwen3")
    config = PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2)
    get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config).save_pretrained(str(tmp_path / "prefix"))
    _rename_base(tmp_path / "prefix", str(folder))
    assert "PREFIX_TUNING changes no weights" in refusal(tmp_path / "prefix")


def test_without_peft_an_adapter_is_refused_with_the_command(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter_of(base, tmp_path / "adapter")
    shutil.copytree(tmp_path / "adapter", tmp_path / "copy")
    monkeypatch.setitem(sys.modules, "peft", None)
    assert "pip install 'embtune[lora]'" in refusal(tmp_path / "copy")

"""Folders that are broken, hostile, or of a kind embtune does not read: a located message each, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_models import TEXTS

from embtune.errors import ModelError
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.save import save_model


@pytest.fixture
def folder(plain_folder: Callable[[str], Path], tmp_path: Path) -> Path:
    """A whole model with a dense layer, to break."""
    model = load_model(str(plain_folder("bert")), dense=_Map(), normalize=True)
    save_model(model, tmp_path / "model")
    return tmp_path / "model"


class _Map:
    out_features = 8
    activation = "tanh"


def _refusal(folder: Path) -> str:
    """What is said about it; a traceback of another kind fails the test."""
    with pytest.raises(ModelError) as caught:
        load_model(str(folder))
    assert caught.value.exit_code == 2
    assert all(problem.location for problem in caught.value.problems)
    return str(caught.value)


def _change(path: Path, **values: object) -> None:
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | values))


def test_an_unbroken_folder_loads(folder: Path) -> None:
    assert encode_texts(load_model(str(folder)), TEXTS).shape == (len(TEXTS), 8)


def test_a_folder_without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert "no weights" in _refusal(folder)


def test_weights_that_are_a_pickle_are_never_opened(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refusal = _refusal(folder)
    assert "can run code" in refusal
    assert "save_pretrained" in refusal


def test_a_dense_layer_that_is_a_pickle_is_never_opened(folder: Path) -> None:
    (folder / "2_Dense" / "model.safetensors").rename(folder / "2_Dense" / "pytorch_model.bin")
    assert "2_Dense/pytorch_model.bin" in _refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "modules.json", "1_Pooling/config.json", "2_Dense/config.json"])
def test_broken_json_is_located_at_its_line(name: str, folder: Path) -> None:
    (folder / name).write_text('{\n  "a": 1,\n')
    assert f"{name}:3" in _refusal(folder)


@pytest.mark.parametrize(
    "name", ["modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json"]
)
@pytest.mark.parametrize("text", ["[" * 100_000, "3", "[]", "null", '[{"type": 3}]', "\xff\xfe", ""], ids=repr)
def test_json_of_any_other_kind(name: str, text: str, folder: Path) -> None:
    (folder / name).write_bytes(text.encode("latin-1"))
    assert name in _refusal(folder)


@pytest.mark.parametrize(
    "path", ["../../etc", "/etc", "..\\..\\etc", "1_Pooling/../../other", "C:\\x", "a" * 300, "a\0b"]
)
def test_a_module_path_must_not_lead_out_of_the_folder(path: str, folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["path"] = path
    (folder / "modules.json").write_text(json.dumps(modules))
    assert "leads out" in _refusal(folder)


def test_shards_must_not_lead_out_of_the_folder(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../secret.safetensors"}}')
    (folder.parent / "secret.safetensors").write_bytes(b"x")
    assert "no file beside it" in _refusal(folder)


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", ".", "", "nothing"])
def test_shards_of_names_that_no_file_has(name: str, folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    assert "no file beside it" in _refusal(folder)


def test_code_that_comes_with_a_model_is_not_run(folder: Path) -> None:
    (folder / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "evil.Pooling"
    (folder / "modules.json").write_text(json.dumps(modules))
    assert "no module 'evil.Pooling'" in _refusal(folder)
    _change(
        folder / "config.json", auto_map={"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}, model_type="evil"
    )
    modules[1]["type"] = "sentence_transformers.models.Pooling"
    (folder / "modules.json").write_text(json.dumps(modules))
    assert "trust_remote_code" in _refusal(folder)
    assert not (folder / "ran").exists()


def test_an_unknown_module_is_told_with_the_nearest_known(folder: Path) -> None:
    text = (folder / "modules.json").read_text()
    (folder / "modules.json").write_text(text.replace("models.Normalize", "models.Normalise"))
    assert "Did you mean Normalize?" in _refusal(folder)


@pytest.mark.parametrize(
    "path", ["os.system", "torch.load", "torch.nn.Module", "evil.torch.nn.Tanh", "Tanh", "torch.hub.Tanh"]
)
def test_an_activation_is_one_of_a_list_and_nothing_is_imported_for_it(path: str, folder: Path) -> None:
    _change(folder / "2_Dense" / "config.json", activation_function=path)
    assert "is not a known activation" in _refusal(folder)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("2_Dense/config.json", {"out_features": 10**12}, "the weights hold"),
        ("2_Dense/config.json", {"out_features": -1}, "positive whole number"),
        ("2_Dense/config.json", {"in_features": "32"}, "positive whole number"),
        ("2_Dense/config.json", {"in_features": 16}, "have width 32"),
        ("2_Dense/config.json", {"bias": False}, "the weights hold"),
        ("2_Dense/config.json", {"module_input_name": "token_embeddings"}, "is not supported"),
        ("1_Pooling/config.json", {"word_embedding_dimension": 64}, "expects token vectors of width 64"),
        ("1_Pooling/config.json", {"pooling_mode": "median"}, "no mode 'median'"),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": "yes"}, "expected true or false"),
        ("sentence_bert_config.json", {"max_seq_length": 0}, "positive whole number"),
        ("sentence_bert_config.json", {"max_seq_length": True}, "positive whole number"),
        ("sentence_bert_config.json", {"transformer_task": "fill-mask"}, "is not supported"),
        ("config_sentence_transformers.json", {"similarity_fn_name": "hamming"}, "not one of cosine"),
        ("config_sentence_transformers.json", {"prompts": {"query": 3}}, "object of strings"),
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}, "not among the prompts"),
        ("config_sentence_transformers.json", {"model_type": "CrossEncoder"}, "no text embedder"),
        ("config.json", {"hidden_size": 10**9}, "hidden_size is 1000000000"),
        ("config.json", {"vocab_size": 10**9}, "vocab_size is 1000000000"),
        ("config.json", {"num_hidden_layers": 10**5}, "num_hidden_layers is 100000"),
        ("config.json", {"num_hidden_layers": 4}, "the weights lack"),
        ("config.json", {"intermediate_size": 50}, "cannot be read"),
        ("config.json", {"model_type": "no-such-model"}, "cannot be read"),
        ("config.json", {"num_attention_heads": 7}, "cannot be read"),
    ],
)
def test_values_that_cannot_be(name: str, values: dict[str, object], said: str, folder: Path) -> None:
    _change(folder / name, **values)
    assert said in _refusal(folder)


def test_weights_cut_off(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    for length in (0, 4, 8, 100, len(content) - 1):
        (folder / "model.safetensors").write_bytes(content[:length])
        assert "cannot be read" in _refusal(folder)


def test_weights_whose_header_is_longer_than_the_file(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((2**62).to_bytes(8, "little") + b"{}")
    assert "cut off" in _refusal(folder)


def test_weights_without_one_tensor(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("encoder.layer.1.attention.self.query.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert "'encoder.layer.1.attention.self.query.weight'" in _refusal(folder)


def test_a_tokenizer_with_more_ids_than_the_model(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    tensors[name] = tensors[name][:50].contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _change(folder / "config.json", vocab_size=50)
    assert "vectors for 50" in _refusal(folder)


@pytest.mark.parametrize(
    ("name", "said"), [("tokenizer.json", "tokenizer cannot be read"), ("tokenizer_config.json", "config.json:1:2")]
)
def test_a_broken_tokenizer(name: str, said: str, folder: Path) -> None:
    (folder / name).write_text("{")
    assert said in _refusal(folder)


def test_no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    _refusal(folder)


def test_modules_in_an_order_that_makes_no_model(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(modules[1:]))
    assert "the first module" in _refusal(folder)
    (folder / "modules.json").write_text(json.dumps([modules[0], modules[2], modules[1]]))
    assert "only Dense and Normalize" in _refusal(folder)


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "no model folder" in _refusal(tmp_path)


def test_a_static_model_with_fewer_vectors_than_ids(tmp_path: Path) -> None:
    model = load_model("scratch:static?vocab=80&width=8", scratch_texts=lambda: TEXTS)
    save_model(model, tmp_path / "static")
    weights = tmp_path / "static" / "0_StaticEmbedding" / "model.safetensors"
    save_file({"embedding.weight": torch.zeros(10, 8)}, weights)
    assert "10 token vectors" in _refusal(tmp_path / "static")
    save_file({"embedding.weight": torch.zeros(10)}, weights)
    assert "no table of token vectors" in _refusal(tmp_path / "static")
    (weights.parent / "tokenizer.json").write_text("{}")
    assert "no tokenizer" in _refusal(tmp_path / "static")
    shutil.rmtree(weights.parent)
    assert "no tokenizer.json" in _refusal(tmp_path / "static")


@pytest.mark.parametrize(
    "name", ["config.json", "1_Pooling/config.json", "tokenizer.json", "2_Dense/model.safetensors"]
)
def test_a_device_or_a_pipe_among_the_files(name: str, folder: Path) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert "pipe or a device" in _refusal(folder)
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")
    assert "pipe or a device" in _refusal(folder)


@pytest.mark.parametrize("target", ["/etc", "..", "../elsewhere", "1_Pooling"])
def test_a_link_must_not_lead_a_module_out_of_the_folder(target: str, folder: Path) -> None:
    shutil.rmtree(folder / "1_Pooling")
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "config.json").write_text('{"pooling_mode": "mean"}')
    (folder / "1_Pooling").symlink_to(target)
    refusal = _refusal(folder)
    assert "leads out" in refusal or target == "1_Pooling"  # a link to itself is nowhere


def test_files_may_be_links_as_the_cache_of_the_hub_has_them(folder: Path) -> None:
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        blob = folder.parent / f"{path.parent.name}-{path.name}"
        path.rename(blob)
        path.symlink_to(blob)
    assert encode_texts(load_model(str(folder)), TEXTS).shape == (len(TEXTS), 8)


@pytest.mark.parametrize("key", ["num_labels", "num_hidden_layers", "num_attention_heads"])
@pytest.mark.parametrize("value", [10**9, -(10**12), 1e300])
def test_counts_that_no_model_has_are_refused_before_anything_is_made_of_them(
    key: str, value: float, folder: Path
) -> None:
    _change(folder / "config.json", **{key: value})
    assert f"{key}: " in _refusal(folder)


@pytest.mark.parametrize("value", [[], {}, "x", None, True, -1, 10**30])
@pytest.mark.parametrize("key", ["hidden_size", "vocab_size", "num_hidden_layers"])
def test_sizes_of_another_kind(key: str, value: object, folder: Path) -> None:
    _change(folder / "config.json", **{key: value})
    with suppress(ModelError):  # some have a default
        load_model(str(folder))


@pytest.mark.parametrize("value", [[], {}, "x", -1, 1e300])
def test_a_tokenizer_whose_longest_text_is_no_number(value: object, folder: Path) -> None:
    _change(folder / "tokenizer_config.json", model_max_length=value)
    with suppress(ModelError):
        load_model(str(folder))


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer_config.json", "modules.json", "config_sentence_transformers.json"]
)
def test_half_a_character_which_no_saved_file_could_hold(name: str, folder: Path) -> None:
    config = json.loads((folder / name).read_text())
    entry = config[0] if isinstance(config, list) else config
    entry["note"] = "\ud800"
    (folder / name).write_text(json.dumps(config))
    assert "lone surrogate \\\\ud800" in repr(_refusal(folder))
    entry["note"] = "\U0001f600"  # a whole one, spelled as two halves
    (folder / name).write_text(json.dumps(config))
    load_model(str(folder))

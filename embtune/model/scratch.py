"""Build a small untrained model with a tokenizer trained on the run's own texts: no network, no download."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from heapq import nsmallest

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
        return StaticEncoder(nn.Embedding(tokenizer.vocabulary_size, spec.width)), tokenizer


def train_tokenizer(spec: ScratchSpec, texts: Iterable[str]) -> Tokenizer:
    """A tokenizer trained on the texts, the same for the same texts; [CLS] and [SEP] around each text.

    Raises:
        ModelError: there is no text.
    """
    found = _some(texts)
    backend = _trained_bpe(spec, found) if spec.tokenizer is ScratchTokenizer.BPE else _trained_wordpiece(spec, found)
    edges = [(SPECIAL_TOKENS[name], backend.token_to_id(SPECIAL_TOKENS[name])) for name in ("cls", "sep")]
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=edges
    )
    return backend


def _trained_bpe(spec: ScratchSpec, texts: list[str]) -> Tokenizer:
    """Byte-level BPE: no text has an unknown token."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    backend.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = list(SPECIAL_TOKENS.values())
    trainer = trainers.BpeTrainer(
        vocab_size=spec.vocab, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(texts, trainer)
    return backend


def _trained_wordpiece(spec: ScratchSpec, texts: list[str]) -> Tokenizer:
    """Lower-cased WordPiece, as BERT's.

    The trainer numbers the pieces `##x` in the order in which it meets them in a hash table, and breaks ties between
    merges by number: two runs over the same texts would differ. So the pieces are numbered beforehand, as if they were
    special tokens, and a tokenizer in which they are not is built from the vocabulary that comes out.
    """
    learner = _wordpiece({})
    alphabet = _alphabet(learner, texts)
    numbered = [f"##{letter}" for letter in alphabet]
    special = list(SPECIAL_TOKENS.values())
    trainer = trainers.WordPieceTrainer(
        vocab_size=spec.vocab,
        special_tokens=special + numbered,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    backend = _wordpiece(learner.get_vocab())
    backend.add_special_tokens(special)
    return backend


def _wordpiece(vocabulary: dict[str, int]) -> Tokenizer:
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token=SPECIAL_TOKENS["unk"]))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return backend


def _alphabet(backend: Tokenizer, texts: list[str]) -> list[str]:
    """The most frequent characters of the texts, sorted."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(backend.normalizer.normalize_str(text))
    letters = ((-count, letter) for letter, count in counts.items() if not letter.isspace())
    return sorted(letter for _, letter in nsmallest(ALPHABET, letters))


def _some(texts: Iterable[str]) -> list[str]:
    found = list(texts)
    if not any(text.strip() for text in found):
        raise ModelError.of("no-texts", "a scratch: model needs texts to train its tokenizer on, and there are none")
    return found

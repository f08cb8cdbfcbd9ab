"""From texts to token ids."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer
from tokenizers.normalizers import Lowercase
from tokenizers.normalizers import Sequence as NormalizerSequence
from transformers import PreTrainedTokenizerBase


class TextTokenizer:
    """A tokenizer of the `tokenizers` library that neither pads nor, unless asked to, truncates.

    Args:
        backend: does the work; its own truncation and padding are switched off.
        adds_special_tokens: whether a text gets [CLS], [SEP] and the like. Static models take none.
        pretrained: the transformers tokenizer that `backend` belongs to, kept for saving; None for static models.
    """

    def __init__(
        self, backend: Tokenizer, adds_special_tokens: bool, pretrained: PreTrainedTokenizerBase | None = None
    ) -> None:
        self.backend = backend
        self.adds_special_tokens = adds_special_tokens
        self.pretrained = pretrained
        backend.no_padding()
        backend.no_truncation()

    @property
    def special_count(self) -> int:
        """Special tokens that each text gets; a length limit has to leave room for them."""
        return self.backend.num_special_tokens_to_add(False) if self.adds_special_tokens else 0

    @property
    def pad_id(self) -> int:
        """The id that fills a row up; never attended to, so any id serves where the tokenizer has none for it."""
        known = None if self.pretrained is None else (self.pretrained.pad_token_id, self.pretrained.eos_token_id)
        return next((int(token) for token in known or () if token is not None), 0)

    @property
    def mask_token(self) -> str | None:
        """The token that stands for a hidden word; None where the tokenizer has none."""
        found = None if self.pretrained is None else self.pretrained.mask_token
        return None if found is None else str(found)

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, added tokens included."""
        return self.backend.get_vocab_size()

    def encode(self, texts: Sequence[str], max_length: int | None) -> list[np.ndarray]:
        """The token ids of each text, (length,) int32, special tokens included and kept when the text is cut.

        Args:
            texts: any number of texts.
            max_length: longest row, special tokens included; None cuts nothing.
        """
        if max_length is None:
            self.backend.no_truncation()
        else:
            self.backend.enable_truncation(max_length, direction=self._cut_side())
        try:
            encodings = self.backend.encode_batch_fast(list(texts), add_special_tokens=self.adds_special_tokens)
        finally:
            self.backend.no_truncation()  # what is saved, and what `fingerprint` sees, does not depend on the last call
        return [np.array(encoding.ids, dtype=np.int32) for encoding in encodings]

    def token_counts(self, texts: Sequence[str]) -> np.ndarray:
        """(N,) int64 tokens of each text when nothing is cut, special tokens included."""
        return np.array([len(ids) for ids in self.encode(texts, None)], dtype=np.int64)

    def prompt_length(self, prompt: str) -> int:
        """Tokens that a prompt takes at the start of a text, the special tokens before it included."""
        if not prompt:
            return 0
        (ids,) = self.encode([prompt], None)
        ends_special = self.pretrained is not None and int(ids[-1]) in self.pretrained.all_special_ids
        return len(ids) - int(ends_special)

    def fingerprint(self) -> str:
        """Hexadecimal digest of everything that decides which ids a text gets, its length limit aside."""
        description = f"{self.adds_special_tokens} {self._cut_side()} {self.backend.to_str()}"
        return hashlib.sha256(description.encode()).hexdigest()

    def _cut_side(self) -> str:
        return "right" if self.pretrained is None else str(self.pretrained.truncation_side)


def lower_case(backend: Tokenizer) -> None:
    """Let `backend` lower every text first; changes nothing where it does already."""
    normalizer = backend.normalizer
    if normalizer is None:
        backend.normalizer = Lowercase()
    elif normalizer.normalize_str("A").strip("a"):
        backend.normalizer = NormalizerSequence([Lowercase(), normalizer])

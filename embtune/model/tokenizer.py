"""From texts to token ids."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.normalizers import Lowercase
from tokenizers.normalizers import Sequence as NormalizerSequence
from transformers import PreTrainedTokenizerBase

_NO_LIMIT = 1 << 62  # tokens
_PROBES = ("a", "0", ".", "的")  # texts of which any tokenizer makes something


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

    def encode_flat(
        self, texts: Sequence[str], max_length: int | None
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.bool_]]:
        """The token ids of texts, special tokens included and kept where a text is cut. Any threads may call at once.

        Args:
            texts: any number of texts.
            max_length: longest row, special tokens included; None cuts nothing.

        Returns:
            (total,) int32 ids, one text behind the other; (N,) int64 tokens of each; (N,) bool, which were cut.
        """
        # Cut here and not by the library: its truncation is a setting of the tokenizer, which threads would have to
        # take turns with; it makes a row of every piece that is cut off; and it does not say what it cut.
        encodings = self.backend.encode_batch_fast(list(texts), add_special_tokens=self.adds_special_tokens)
        limit = _NO_LIMIT if max_length is None else max_length
        ids, lengths, cut = (
            array("i"),
            np.empty(len(encodings), dtype=np.int64),
            np.zeros(len(encodings), dtype=np.bool_),
        )
        for number, encoding in enumerate(encodings):
            row = encoding.ids
            if len(row) > limit:
                row, cut[number] = self._cut(row, limit), True
            ids.fromlist(row)
            lengths[number] = len(row)
        return np.array(ids, dtype=np.int32), lengths, cut

    def encode(self, texts: Sequence[str], max_length: int | None) -> list[np.ndarray]:
        """The token ids of each text, (length,) int32, as `encode_flat` gives them one behind the other."""
        ids, lengths, _ = self.encode_flat(texts, max_length)
        return np.split(ids, np.cumsum(lengths[:-1])) if len(lengths) else []

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

    def _cut(self, row: list[int], max_length: int) -> list[int]:
        """The row without as many of its text's tokens as are too many, on the side where the tokenizer cuts."""
        head, tail = self._special_ends
        kept = max(0, max_length - head - tail)
        start = head if self._cut_side() == "right" else len(row) - tail - kept
        return row[:head] + row[start : start + kept] + row[len(row) - tail :]

    @cached_property
    def _special_ends(self) -> tuple[int, int]:
        """How many special tokens each text gets before it and behind it."""
        if not self.special_count:
            return 0, 0
        for probe in _PROBES:
            bare = self.backend.encode(probe, add_special_tokens=False).ids
            whole = self.backend.encode(probe, add_special_tokens=True).ids
            if bare:
                head = next(start for start in range(len(whole)) if whole[start : start + len(bare)] == bare)
                return head, len(whole) - head - len(bare)
        return self.special_count, 0  # a tokenizer that makes nothing of any text never has one to cut

    def _cut_side(self) -> str:
        return "right" if self.pretrained is None else str(self.pretrained.truncation_side)


def lower_case(backend: Tokenizer) -> None:
    """Let `backend` lower every text first; changes nothing where it does already."""
    normalizer = backend.normalizer
    if normalizer is None:
        backend.normalizer = Lowercase()
    elif normalizer.normalize_str("A").strip("a"):
        backend.normalizer = NormalizerSequence([Lowercase(), normalizer])

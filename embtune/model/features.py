"""A batch of tokenised texts as tensors: all that a model's forward pass needs.

Legend: B texts, T token slots of the longest text, N tokens of all texts together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class FlatTexts:
    """Tokenised texts, one behind the other.

    ids: (N,) integers. lengths: (B,) int64 tokens of each text.
    prompt_lengths: (B,) int64 tokens of each text that belong to its prompt; None where no text has one.
    """

    ids: np.ndarray
    lengths: np.ndarray
    prompt_lengths: np.ndarray | None = None

    @staticmethod
    def of(token_ids: Sequence[np.ndarray], prompt_lengths: Sequence[int] | None = None) -> FlatTexts:
        """From the ids of each text."""
        lengths = np.array([len(ids) for ids in token_ids], dtype=np.int64)
        prompts = (
            np.array(prompt_lengths, dtype=np.int64) if prompt_lengths is not None and any(prompt_lengths) else None
        )
        return FlatTexts(np.concatenate([np.empty(0, dtype=np.int32), *token_ids]), lengths, prompts)


@dataclass(frozen=True)
class Features:
    """Token ids in one of two forms.

    Padded: `input_ids` (B, T), padded on the right; `attention_mask` (B, T) int64, or None where no text is padded.
    Flat: `input_ids` (N,) with `offsets` (B + 1,): text i is `input_ids[offsets[i]:offsets[i + 1]]`. No mask.

    prompt_lengths: (B,) int64 tokens of each text that belong to its prompt; None where no text has one.
    tokens: real tokens. token_slots: places computed for them, padding included.
    """

    input_ids: Tensor
    attention_mask: Tensor | None
    offsets: Tensor | None
    prompt_lengths: Tensor | None
    tokens: int
    token_slots: int

    def to(self, device: torch.device | str) -> Features:
        """The same on `device`; copies to a GPU go through pinned memory and do not wait."""
        target = torch.device(device)
        return replace(
            self,
            input_ids=_sent(self.input_ids, target),
            attention_mask=None if self.attention_mask is None else _sent(self.attention_mask, target),
            offsets=None if self.offsets is None else _sent(self.offsets, target),
            prompt_lengths=None if self.prompt_lengths is None else _sent(self.prompt_lengths, target),
        )


def padded(texts: FlatTexts, pad_id: int) -> Features:
    """Texts as rows. A text without a token gets one token of padding to attend to, so that its vector is finite."""
    lengths_B = np.maximum(texts.lengths, 1)
    longest = int(lengths_B.max(initial=1))
    places_T = np.arange(longest)
    ids_BT = np.full((len(lengths_B), longest), pad_id, dtype=np.int64)
    ids_BT[places_T < texts.lengths[:, None]] = texts.ids
    mask = None
    if (lengths_B != longest).any():
        mask = torch.from_numpy((places_T < lengths_B[:, None]).astype(np.int64))
    prompts = None if texts.prompt_lengths is None else torch.from_numpy(texts.prompt_lengths)
    return Features(torch.from_numpy(ids_BT), mask, None, prompts, int(lengths_B.sum()), ids_BT.size)


def flat(texts: FlatTexts) -> Features:
    """Texts one behind the other; an empty one takes no place."""
    offsets = np.concatenate([[0], np.cumsum(texts.lengths)])
    ids = torch.from_numpy(texts.ids.astype(np.int64))
    return Features(ids, None, torch.from_numpy(offsets), None, len(ids), len(ids))


def _sent(tensor: Tensor, device: torch.device) -> Tensor:
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)

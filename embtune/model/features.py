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


def padded(token_ids: Sequence[np.ndarray], pad_id: int, prompt_lengths: Sequence[int] | None) -> Features:
    """Texts as rows. A text without a token gets one token of padding to attend to, so that its vector is finite."""
    filled = [ids if len(ids) else np.array([pad_id]) for ids in token_ids]
    lengths = np.array([len(ids) for ids in filled], dtype=np.int64)
    longest = int(lengths.max(initial=1))
    input_ids = np.full((len(filled), longest), pad_id, dtype=np.int64)
    for row, ids in zip(input_ids, filled, strict=True):
        row[: len(ids)] = ids
    mask = None
    if (lengths != longest).any():
        mask = torch.from_numpy((np.arange(longest) < lengths[:, None]).astype(np.int64))
    prompts = _counts(prompt_lengths)
    return Features(torch.from_numpy(input_ids), mask, None, prompts, int(lengths.sum()), input_ids.size)


def flat(token_ids: Sequence[np.ndarray]) -> Features:
    """Texts one behind the other; an empty one takes no place."""
    lengths = [len(ids) for ids in token_ids]
    offsets = torch.from_numpy(np.cumsum([0, *lengths], dtype=np.int64))
    joined = np.concatenate([np.empty(0, dtype=np.int64), *token_ids]).astype(np.int64)
    return Features(torch.from_numpy(joined), None, offsets, None, len(joined), len(joined))


def _counts(prompt_lengths: Sequence[int] | None) -> Tensor | None:
    if prompt_lengths is None or not any(prompt_lengths):
        return None
    return torch.tensor(list(prompt_lengths), dtype=torch.int64)


def _sent(tensor: Tensor, device: torch.device) -> Tensor:
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)

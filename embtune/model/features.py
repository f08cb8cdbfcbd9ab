"""A batch of tokenised texts as tensors: all that a model's forward pass needs.

Legend: B texts, T token slots of the longest text, N tokens of all texts together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """Token ids in one of three forms.

    Padded: `input_ids` (B, T), padded on the right; `attention_mask` (B, T) int64, or None where no text is padded.
    Flat: `input_ids` (N,) with `offsets` (B + 1,): text i is `input_ids[offsets[i]:offsets[i + 1]]`. No mask.
    Packed: flat, no text empty, `offsets` int32, with `position_ids` (N,) of tokens in their texts and `longest`.

    prompt_lengths: (B,) int64 tokens of each text that belong to its prompt; None where no text has one.
    tokens: real tokens. token_slots: places computed for them, padding included.
    longest: of packed texts; rounded up, so that there are few different numbers.
    """

    input_ids: Tensor
    attention_mask: Tensor | None
    offsets: Tensor | None
    prompt_lengths: Tensor | None
    tokens: int
    token_slots: int
    position_ids: Tensor | None = None
    longest: int = 0

    def to(self, device: torch.device | str) -> Features:
        """The same on `device`; copies to a GPU go through pinned memory and do not wait."""
        target = torch.device(device)
        return self.map(lambda tensor: _sent(tensor, target))

    def map(self, change: Callable[[Tensor], Tensor]) -> Features:
        """The same with every tensor changed."""

        def changed(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else change(tensor)

        return replace(
            self,
            input_ids=change(self.input_ids),
            attention_mask=changed(self.attention_mask),
            offsets=changed(self.offsets),
            prompt_lengths=changed(self.prompt_lengths),
            position_ids=changed(self.position_ids),
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


def packed(texts: FlatTexts, pad_id: int, first_position: int) -> Features:
    """Texts one behind the other, to be computed as one row; one without a token gets one of padding, as in `padded`.

    Args:
        first_position: number of a text's first position.
    """
    lengths_B = np.maximum(texts.lengths, 1)
    bounds = np.concatenate([[0], np.cumsum(lengths_B)])
    ids_N = np.full(bounds[-1], pad_id, dtype=np.int64)
    ids_N[np.repeat(texts.lengths > 0, lengths_B)] = texts.ids
    first_B = np.maximum(first_position - (texts.lengths == 0), 0)  # padding stands before the first position, if any
    positions_N = np.arange(bounds[-1]) + np.repeat(first_B - bounds[:-1], lengths_B)
    prompts = None if texts.prompt_lengths is None else torch.from_numpy(texts.prompt_lengths)
    longest = _rounded_up(int(lengths_B.max(initial=1)))
    bounds_int32 = torch.from_numpy(bounds.astype(np.int32))  # what attention kernels take
    ids, positions = torch.from_numpy(ids_N), torch.from_numpy(positions_N)
    return Features(ids, None, bounds_int32, prompts, len(ids_N), len(ids_N), positions, longest)


def _rounded_up(length: int) -> int:
    """The next power of two, 32 at least."""
    return max(32, 1 << (length - 1).bit_length())


def _sent(tensor: Tensor, device: torch.device) -> Tensor:
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)

"""Torch's own GPU kernels for attention in texts of varying length.

Their operators are private to torch: they are used where their arguments are the ones known here.

Legend: T tokens of all texts, B texts, H heads of the queries, G heads of the keys and values (H a multiple), E width
of a head.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from embtune.model.attention_kernel import Attended, Kernel, Rules, Triple, for_every_head, summed

_HALF = (torch.float16, torch.bfloat16)
_WIDEST_HEAD = 256  # of the flash kernel
_CAUSAL = 1  # the efficient kernel's word for a mask whose corner is the first token
_FLASH_ARGUMENTS = (
    "query", "key", "value", "cum_seq_q", "cum_seq_k", "max_q", "max_k", "dropout_p", "is_causal", "return_debug_mask",
    "scale", "window_size_left", "window_size_right",
)  # fmt: skip
_FLASH_BACKWARD_ARGUMENTS = (
    "grad_out", "query", "key", "value", "out", "logsumexp", "cum_seq_q", "cum_seq_k", "max_q", "max_k", "dropout_p",
    "is_causal", "rng_state", "unused", "scale", "window_size_left", "window_size_right",
)  # fmt: skip
_EFFICIENT_ARGUMENTS = (
    "query", "key", "value", "bias", "cu_seqlens_q", "cu_seqlens_k", "max_seqlen_q", "max_seqlen_k", "dropout_p",
    "custom_mask_type", "compute_log_sumexp", "scale",
)  # fmt: skip
_EFFICIENT_BACKWARD_ARGUMENTS = (
    "grad_out_", "query", "key", "value", "bias", "out", "cu_seqlens_q", "cu_seqlens_k", "max_seqlen_q", "max_seqlen_k",
    "logsumexp", "dropout_p", "philox_seed", "philox_offset", "custom_mask_type", "bias_requires_grad", "scale",
)  # fmt: skip


def runs_flash(q: Tensor) -> bool:
    """Whether flash kernels compute this: on CUDA from compute capability 8.0 on, in half precision."""
    if q.device.type != "cuda" or q.dtype not in _HALF or q.shape[-1] > _WIDEST_HEAD:
        return False
    return torch.cuda.get_device_capability(q.device) >= (8, 0)


def _arguments(operator: str) -> tuple[str, ...]:
    found = getattr(torch.ops.aten, operator, None)
    return tuple(argument.name for argument in found.default._schema.arguments) if found else ()


def _is_as_known(operator: str, names: tuple[str, ...]) -> bool:
    return _arguments(operator)[: len(names)] == names


# Whether torch's private operators take the arguments that the kernels here give them, in that order.
FLASH_IS_AS_KNOWN: Final = _is_as_known("_flash_attention_forward", _FLASH_ARGUMENTS) and _is_as_known(
    "_flash_attention_backward", _FLASH_BACKWARD_ARGUMENTS
)
EFFICIENT_IS_AS_KNOWN: Final = _is_as_known("_efficient_attention_forward", _EFFICIENT_ARGUMENTS) and _is_as_known(
    "_efficient_attention_backward", _EFFICIENT_BACKWARD_ARGUMENTS
)


class Flash(Kernel):
    """Torch's own build of FlashAttention-2 for texts of varying length (Dao 2023, arXiv:2307.08691)."""

    def serves(self, q: Tensor, rules: Rules) -> bool:
        """Where flash kernels run, if torch's operator is the known one."""
        return FLASH_IS_AS_KNOWN and runs_flash(q)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, rules: Rules, seed: Tensor) -> Attended:
        """One launch for all texts."""
        out, logsumexp, philox_seed, offset, _ = torch.ops.aten._flash_attention_forward(
            q, k, v, bounds, bounds, rules.longest, rules.longest, rules.dropout, rules.causal, False,
            scale=rules.scale, window_size_left=rules.left, window_size_right=rules.right,
        )  # fmt: skip
        return Attended(out, logsumexp, philox_seed, offset)

    def backward(self, grad: Tensor, qkv: Triple, bounds: Tensor, made: Attended, rules: Rules) -> Triple:
        """From the saved logarithms of sums; scores are computed again, tile by tile."""
        grads: Triple = torch.ops.aten._flash_attention_backward(
            grad.contiguous(), *qkv, made.out, made.logsumexp, bounds, bounds, rules.longest, rules.longest,
            rules.dropout, rules.causal, made.seed, made.offset,
            scale=rules.scale, window_size_left=rules.left, window_size_right=rules.right,
        )  # fmt: skip
        return grads


class Efficient(Kernel):
    """Memory-efficient attention (Rabe, Staats 2021, arXiv:2112.05682), which computes in float32 too."""

    def serves(self, q: Tensor, rules: Rules) -> bool:
        """On CUDA, in any precision of up to 32 bits, without windows."""
        known = EFFICIENT_IS_AS_KNOWN and q.device.type == "cuda"
        return known and q.dtype != torch.float64 and not rules.windowed

    def forward(self, q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, rules: Rules, seed: Tensor) -> Attended:
        """One launch for all texts."""
        k, v = (for_every_head(t, q.shape[1]) for t in (k, v))
        out, logsumexp, philox_seed, offset, _, _ = torch.ops.aten._efficient_attention_forward(
            q[None], k[None], v[None], None, bounds, bounds, rules.longest, rules.longest, rules.dropout,
            _CAUSAL if rules.causal else 0, True, scale=rules.scale,
        )  # fmt: skip
        return Attended(out[0], logsumexp, philox_seed, offset)

    def backward(self, grad: Tensor, qkv: Triple, bounds: Tensor, made: Attended, rules: Rules) -> Triple:
        """From the saved logarithms of sums; the gradients of heads that share keys are added up."""
        q, k, v = qkv
        groups = k.shape[1]
        k, v = (for_every_head(t, q.shape[1]) for t in (k, v))
        dq, dk, dv, _ = torch.ops.aten._efficient_attention_backward(
            grad[None].contiguous(), q[None], k[None], v[None], None, made.out[None], bounds, bounds, rules.longest,
            rules.longest, made.logsumexp, rules.dropout, made.seed, made.offset, _CAUSAL if rules.causal else 0, False,
            scale=rules.scale,
        )  # fmt: skip
        return dq[0], summed(dk[0], groups), summed(dv[0], groups)

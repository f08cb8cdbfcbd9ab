"""One differentiable operator, `embtune::segment_attention`: attention inside each of several texts.

It is opaque to torch.compile, computes on whatever kernel serves, and draws dropout from the device's default generator
or from a seed, in the forward pass alone: seeded alike, two forward passes are equal, and a backward pass is always of
its own forward.

Legend: T tokens of all texts, B texts, H heads of the queries, G heads of the keys and values, E width of a head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from embtune.model.attention_kernel import Attended, Kernel, Rules
from embtune.model.gpu_attention import Efficient, Flash
from embtune.model.grouped_attention import Grouped
from embtune.model.padded_attention import Padded

_KERNELS: tuple[Kernel, ...] = (Flash(), Efficient(), Grouped(), Padded())


def kernel_for(q: Tensor, rules: Rules) -> Kernel:
    """The fastest that serves; the same for the same device, dtype, widths and rules."""
    return next(kernel for kernel in _KERNELS if kernel.serves(q, rules))


@torch.library.custom_op("embtune::segment_attention", mutates_args=())
def segment_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bounds: Tensor,
    seed: Tensor,
    longest: int,
    dropout: float,
    scale: float,
    left: int,
    right: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Attend inside each text.

    Args:
        q: (T, H, E), unit stride in the last dimension.
        k: (T, G, E), of the dtype of q; H is a multiple of G.
        v: as k.
        bounds: (B + 1,) int32, where each text begins, and T.
        seed: scalar int64 on the CPU: of the dropout, where the kernel does not draw from a generator of the device.
        longest: no text has more tokens.
        dropout: of attention probabilities.
        scale: scores are multiplied by it.
        left: tokens before its own that a token sees; -1 for all.
        right: the same for those after its own; 0 is causal.

    Returns:
        (T, H, E); the other three are for the backward pass.
    """
    rules = Rules(longest, dropout, scale, left, right)
    made = kernel_for(q, rules).forward(q, k, v, bounds, rules, seed)
    return made.out, made.logsumexp, made.seed, made.offset


@segment_attention.register_fake
def _(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bounds: Tensor,
    seed: Tensor,
    longest: int,
    dropout: float,
    scale: float,
    left: int,
    right: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rules = Rules(longest, dropout, scale, left, right)
    kernel = kernel_for(q, rules)
    if isinstance(kernel, (Grouped, Padded)):
        scalar = torch.empty((), dtype=torch.int64, device="cpu")
        return q.new_empty(q.shape), q.new_empty(0), scalar, torch.empty_like(scalar)
    made = kernel.forward(q, k, v, bounds, rules, seed)  # torch knows the shapes of its own operators
    return made.out, made.logsumexp, made.seed, made.offset


@torch.library.custom_op("embtune::segment_attention_backward", mutates_args=())
def _backward(
    grad: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bounds: Tensor,
    out: Tensor,
    logsumexp: Tensor,
    seed: Tensor,
    offset: Tensor,
    longest: int,
    dropout: float,
    scale: float,
    left: int,
    right: int,
) -> tuple[Tensor, Tensor, Tensor]:
    rules = Rules(longest, dropout, scale, left, right)
    made = Attended(out, logsumexp, seed, offset)
    grads = kernel_for(q, rules).backward(grad, (q, k, v), bounds, made, rules)
    return grads[0].contiguous(), grads[1].contiguous(), grads[2].contiguous()


@_backward.register_fake
def _(
    grad: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bounds: Tensor,
    out: Tensor,
    logsumexp: Tensor,
    seed: Tensor,
    offset: Tensor,
    longest: int,
    dropout: float,
    scale: float,
    left: int,
    right: int,
) -> tuple[Tensor, Tensor, Tensor]:
    return q.new_empty(q.shape), k.new_empty(k.shape), v.new_empty(v.shape)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:  # noqa: ANN401 - torch's own
    ctx.save_for_backward(*inputs[:4], *output)
    ctx.rules = inputs[5:]


def _differentiate(ctx: Any, grad: Tensor, *unused: object) -> tuple[Tensor | None, ...]:  # noqa: ANN401 - torch's own
    grads = _backward(grad, *ctx.saved_tensors, *ctx.rules)
    return (*grads, *(None,) * 7)


segment_attention.register_autograd(_differentiate, setup_context=_remember)

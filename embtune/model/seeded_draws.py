"""A pass through a model on a CPU whose dropout is drawn from a seed of its own, and not from torch's global generator.

So several threads may each pass a batch through one model, and a pass that is repeated draws the same, whatever other
threads do; and masks are drawn many times as fast (embtune.model.draws).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from embtune.model.attention_kernel import Triple
from embtune.model.dense_attention import DenseRules, dense_attend, dense_gradients
from embtune.model.draws import Draws, thinned

_CPU = torch.device("cpu")
# What models draw with, beside dropout, and what takes a generator: to skip a layer, to add noise.
_WITH_GENERATOR = (
    torch.rand, torch.randn, torch.randint, torch.randperm, torch.bernoulli,
    Tensor.bernoulli_, Tensor.uniform_, Tensor.normal_, Tensor.random_,
)  # fmt: skip


class SeededDraws(TorchFunctionMode):
    """While it is entered, what this thread draws on the CPU is a function of the seed and of the calls before it.

    It serves dropout, attention with dropout, and the functions that take a generator; a tensor of another device and a
    call without anything to draw go their usual way.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._draws = Draws(seed, _CPU)
        self._generator = torch.Generator().manual_seed(seed)
        self._served: dict[Callable[..., Any], Callable[..., Any]] = {
            functional.dropout: self._dropout,
            functional.scaled_dot_product_attention: self._attention,
            **{drawing: self._with_generator(drawing) for drawing in _WITH_GENERATOR},
        }

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 whatever the function gives
        """Torch's protocol: every function of torch that is called comes by here."""
        return self._served.get(func, func)(*args, **(kwargs or {}))

    def _dropout(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or not 0 < p < 1 or input.device != _CPU:
            return functional.dropout(input, p, training, inplace)
        kept = self._draws.kept(tuple(input.shape), p)
        thin: Tensor = _Thinned.apply(input, kept, p)  # type: ignore[no-untyped-call]
        return thin

    def _attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        if not dropout_p or query.device != _CPU or query.dim() != 4:
            return functional.scaled_dot_product_attention(
                query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
            )
        if enable_gqa:
            key, value = (each.repeat_interleave(query.shape[1] // each.shape[1], dim=1) for each in (key, value))
        if is_causal:
            attn_mask = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).tril()
        scale = query.shape[-1] ** -0.5 if scale is None else scale
        rules = DenseRules(attn_mask, scale, dropout_p, self._draws.seed())
        out: Tensor = _Attended.apply(*_of_one_type(query, key, value), rules)  # type: ignore[no-untyped-call]
        return out

    def _with_generator(self, drawing: Callable[..., Any]) -> Callable[..., Any]:
        def drawn(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 arguments of any of them
            return drawing(*args, **{"generator": self._generator, **kwargs})

        return drawn


def _of_one_type(*tensors: Tensor) -> Triple:
    """As autocast would have them: the scores and the sums are products."""
    if torch.is_autocast_enabled("cpu"):
        tensors = tuple(each.to(torch.get_autocast_dtype("cpu")) for each in tensors)
    q, k, v = tensors
    return q, k, v


class _Thinned(torch.autograd.Function):
    """Dropout by a mask that is drawn already; of a number it saves one byte."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, dropout: float) -> Tensor:  # noqa: ANN401 torch's own
        ctx.save_for_backward(kept)
        ctx.dropout = dropout
        return thinned(x, kept, dropout)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        (kept,) = ctx.saved_tensors
        return thinned(grad, kept, ctx.dropout), None, None


class _Attended(torch.autograd.Function):
    """Attention that saves what it was given and what it gave, and no probability."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, rules: DenseRules) -> Tensor:  # noqa: ANN401 torch's own
        ctx.rules = rules
        with torch.autocast("cpu", enabled=False):
            out = dense_attend(q, k, v, rules)
        ctx.save_for_backward(q, k, v, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:  # noqa: ANN401
        q, k, v, out = ctx.saved_tensors
        return *dense_gradients(grad, q, k, v, out, ctx.rules), None

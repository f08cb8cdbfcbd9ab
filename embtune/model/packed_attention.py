"""Attention for packed texts, as transformers' attention interface calls it.

The name under which it is registered holds no "flash", on which transformers branches, and is unknown to its mask
interface: models then make no mask at all, and ask the device nothing.

Legend: T tokens of all texts, H heads, G heads of the keys and values, E width of a head.
"""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface

from embtune.model.attention_kernel import Rules
from embtune.model.gpu_attention import FLASH_IS_AS_KNOWN, runs_flash
from embtune.model.segment_attention import segment_attention

NAME = "embtune_packed"
_HEAD_MULTIPLE = 8  # of head widths that GPU kernels take
_PACKAGE = "flash_attn"


def register_packed_attention() -> None:
    """Let transformers models use it, by `model.set_attn_implementation(NAME)`. Again changes nothing."""
    AttentionInterface.register(NAME, packed_attention)


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    is_causal: bool | None = None,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int | None = None,
    **unused: object,
) -> tuple[Tensor, None]:
    """Attend inside each text.

    Args:
        module: the attention layer; says whether it is causal where `is_causal` does not.
        query: (1, H, T, E).
        key: (1, G, T, E).
        value: (1, G, T, E).
        attention_mask: must be None: a mask or a bias would be lost.
        dropout: of attention probabilities.
        scaling: of scores; None is 1 / sqrt(E).
        sliding_window: a token sees this many, itself among them, to each side that it sees at all.
        is_causal: whether no token sees a later one.
        cu_seq_lens_q: (texts + 1,) int32, where each text begins, and T.
        max_length_q: no text is longer.

    Returns:
        (1, T, H, E), and no attention weights.

    Raises:
        RuntimeError: it is called for padded texts, or with a mask or a bias.
    """
    if cu_seq_lens_q is None or max_length_q is None:
        raise RuntimeError("packed attention was called without the bounds of the texts")
    if attention_mask is not None:
        raise RuntimeError("packed attention takes no mask and no bias")
    causal = bool(getattr(module, "is_causal", False)) if is_causal is None else is_causal
    reach = -1 if sliding_window is None else sliding_window - 1
    scale = query.shape[-1] ** -0.5 if scaling is None else float(scaling)
    rules = Rules(max_length_q, dropout, scale, reach, 0 if causal else reach)
    dtype = _computed_in(value)
    q, k, v = (each[0].transpose(0, 1).to(dtype) for each in (query, key, value))
    return attend(q, k, v, cu_seq_lens_q, rules)[None], None


def attend(q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, rules: Rules) -> Tensor:
    """(T, H, E) of q (T, H, E), k and v (T, G, E)."""
    if not FLASH_IS_AS_KNOWN and runs_flash(q) and (find_spec(_PACKAGE) or _is_public(rules)):
        return (_by_package if find_spec(_PACKAGE) else _by_public_function)(q, k, v, bounds, rules)
    width = q.shape[-1]
    missing = -width % _HEAD_MULTIPLE
    if missing:
        q, k, v = (functional.pad(each, (0, missing)) for each in (q, k, v))
    # Drawn here, for what is drawn inside of an operator is no function that a caller could see to.
    seed = torch.randint(1 << 62, ()) if rules.dropout else torch.zeros((), dtype=torch.int64)
    out: Tensor = segment_attention(
        q, k, v, bounds, seed, rules.longest, rules.dropout, rules.scale, rules.left, rules.right
    )[0]
    return out[..., :width] if missing else out


def _is_public(rules: Rules) -> bool:
    """Whether torch's documented function knows these rules."""
    return not rules.dropout and (not rules.windowed or not rules.causal)


def _computed_in(value: Tensor) -> torch.dtype:
    """Autocast's dtype where it is on, as for torch's own attention: norms and rotations may leave float32 behind."""
    kind = value.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else value.dtype


# Two stand-ins for a torch whose private operator is not the one that is known here.


def _by_package(q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, rules: Rules) -> Tensor:
    from flash_attn import flash_attn_varlen_func  # type: ignore[import-not-found]  # an option of the machine

    out: Tensor = flash_attn_varlen_func(
        q, k, v, bounds, bounds, rules.longest, rules.longest, dropout_p=rules.dropout, softmax_scale=rules.scale,
        causal=rules.causal, window_size=(rules.left, rules.right),
    )  # fmt: skip
    return out


def _by_public_function(q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, rules: Rules) -> Tensor:
    """Torch's documented function, without dropout."""
    from torch.nn.attention.varlen import varlen_attn

    k, v = (each.repeat_interleave(q.shape[1] // each.shape[1], dim=1) for each in (k, v))
    out = varlen_attn(
        q, k, v, bounds, bounds, rules.longest, rules.longest, scale=rules.scale,
        window_size=(rules.left, rules.right),
    )  # fmt: skip
    assert isinstance(out, Tensor), "no auxiliary output was asked for"
    return out

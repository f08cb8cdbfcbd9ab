"""Compile a model's layers, each by itself: all layers share one graph, so that compiling costs what one layer costs.

Weights keep their names, a layer stays the module it is, and `encode_texts` computes as before.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from embtune.model.embedder import TextEmbedder
from embtune.model.encoder import TransformerEncoder
from embtune.model.mpnet import mpnet_states


def layers_of(model: TextEmbedder) -> list[nn.Module]:
    """The layers that a forward pass calls one after another; none where it does not, or where they are not found."""
    encoder = model.encoder
    if not isinstance(encoder, TransformerEncoder) or encoder.packed_states is mpnet_states:
        return []
    lists = (module for module in encoder.model.modules() if isinstance(module, nn.ModuleList))
    return next((list(found) for found in lists if len(found) == model.depth), [])


def compile_layers(model: TextEmbedder) -> bool:
    """Compile the layers of a model, in place. Whether there were any to compile."""
    layers = layers_of(model)
    for layer in layers:
        layer.compile(dynamic=True)
    model.compiled = bool(layers)
    return model.compiled


def why_not_compile(device: torch.device) -> str | None:
    """What keeps torch from compiling for a device: found out by a trial. None where nothing does."""

    def trial(x: torch.Tensor) -> torch.Tensor:
        return functional.gelu(x) * 2

    x = torch.ones(8, 8, device=device, requires_grad=True)
    try:
        torch.autograd.grad(torch.compile(trial)(x).sum(), x)
    except Exception as error:  # of any kind: no compiler, a broken one, a folder that cannot be written to
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return lines[0] if lines else type(error).__name__
    return None

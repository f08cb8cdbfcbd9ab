"""Towers that compute with bf16 weights, while what is trained stays float32.

The trained weights (the masters) are the run's ordinary parameters: optimised, clipped, checkpointed and saved as ever.
Each tower computes with a bf16 copy of its encoder's, made anew before every step; and what a micro-batch gives a copy
as its gradient is added to the master's, in float32, at once. So no small update is lost to rounding and no sum over
micro-batches is taken in bf16.

Paper: Micikevicius et al. 2018, "Mixed Precision Training", arXiv:1710.03740 (section 3.1, master weights).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn

from embtune.model.embedder import TextEmbedder


class HalfWeights:
    """The copies of some towers.

    Args:
        towers: name -> what is trained; on its device, with everything in it that is ever trained.

    Attributes:
        towers: name -> the same with bf16 weights in its encoder. What follows the pooling stays float32, as do buffers
            (angles of rotary positions) and static models, which have no layers.
    """

    def __init__(self, towers: Mapping[str, TextEmbedder]) -> None:
        self.towers = {name: _copy(tower) for name, tower in towers.items()}
        self._pairs = [pair for name, tower in towers.items() for pair in _pairs(tower, self.towers[name])]
        for master, copy in self._pairs:
            if master.requires_grad:
                copy.register_post_accumulate_grad_hook(_hand_over(master))  # type: ignore[no-untyped-call]

    def refresh(self) -> None:
        """Give the copies the masters' weights of now, and the mode that they are trained in."""
        trained = [(master, copy) for master, copy in self._pairs if master.requires_grad]
        masters: list[Tensor] = [master for master, _ in trained]
        copies: list[Tensor] = [copy for _, copy in trained]
        with torch.no_grad():
            torch._foreach_copy_(copies, masters)
        for tower in self.towers.values():
            tower.train(any(parameter.requires_grad for parameter in tower.parameters()))


def _copy(tower: TextEmbedder) -> TextEmbedder:
    """Without the model for queries, which is a tower of its own."""
    copy = TextEmbedder(deepcopy(tower.encoder), [], tower.tokenizer, tower.settings)
    copy.layers = deepcopy(tower.layers)
    if tower.depth:
        for parameter in copy.encoder.parameters():
            parameter.data = parameter.data.to(torch.bfloat16)
    return copy.train(tower.training)


def _pairs(tower: TextEmbedder, copy: TextEmbedder) -> Iterator[tuple[nn.Parameter, nn.Parameter]]:
    """(master, its copy)."""
    for masters, copies in ((tower.encoder, copy.encoder), (tower.layers, copy.layers)):
        yield from zip(masters.parameters(), copies.parameters(), strict=True)


def _hand_over(master: nn.Parameter) -> Callable[[Tensor], None]:
    def add(copy: Tensor) -> None:
        gradient = copy.grad
        assert gradient is not None, "called when a gradient was accumulated"
        copy.grad = None
        if master.grad is None:
            master.grad = gradient.to(master.dtype)
        else:
            master.grad.add_(gradient)

    return add

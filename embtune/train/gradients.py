"""The gradient of a step as one vector: how long it is, and how it is shortened.

Where towers are spread over processes the vector is too; what is whole everywhere counts once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from embtune.train.shards import is_spread, whole

_CLIPPING_EPSILON = 1e-6  # that torch adds to the norm it divides by


def total_norm(parameters: Sequence[nn.Parameter]) -> Tensor:
    """The Euclidean norm of all gradients, a scalar on the device; the same in every process."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norms = [whole(nn.utils.get_total_norm(kind)) for kind in _by_kind(gradients)]
    return norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms))


def clip(parameters: Sequence[nn.Parameter], limit: float, norm: Tensor, grad_norm: float) -> None:
    """Shorten the gradient to `limit`. No pass is made over one that is shorter: it would be multiplied by 1.

    Args:
        norm: on the device, and `grad_norm`, the same as a number.
    """
    if 0 < limit < grad_norm + 2 * _CLIPPING_EPSILON:
        for kind in _by_kind(parameters):
            nn.utils.clip_grads_with_norm_(kind, limit, norm)


def _by_kind(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    """Those that are spread and those that are whole, for torch takes no two kinds at once; at least one list."""
    spread = [each for each in tensors if is_spread(each)]
    others = [each for each in tensors if not is_spread(each)]
    return [kind for kind in (spread, others) if kind] or [[]]

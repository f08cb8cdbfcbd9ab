"""Many tensors as a few flat ones: a message takes as long to begin however small it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

BUCKET_BYTES = 64 << 20


def buckets_of(tensors: Sequence[Tensor], limit: int = BUCKET_BYTES) -> Iterator[list[Tensor]]:
    """The tensors, those of one type and device together, in runs of at most `limit` bytes; a larger one goes alone."""
    alike: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
    for tensor in tensors:
        alike.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    for group in alike.values():
        bucket: list[Tensor] = []
        size = 0
        for tensor in group:
            if bucket and size + tensor.nbytes > limit:
                yield bucket
                bucket, size = [], 0
            bucket.append(tensor)
            size += tensor.nbytes
        yield bucket


def flattened(bucket: Sequence[Tensor]) -> Tensor:
    """All numbers of a bucket, one behind the other: a copy, unless it is one tensor that lies so already."""
    if len(bucket) == 1 and bucket[0].is_contiguous():
        return bucket[0].detach().view(-1)
    return torch.cat([tensor.detach().reshape(-1) for tensor in bucket])


def spread(flat: Tensor, bucket: Sequence[Tensor]) -> None:
    """Put the numbers of `flattened` back into the bucket's tensors."""
    with torch.no_grad():
        for tensor, part in zip(bucket, torch.split(flat, [each.numel() for each in bucket]), strict=True):
            if tensor.data_ptr() != part.data_ptr():
                tensor.copy_(part.view_as(tensor))

"""Bring a prepared step to the device: all its tensors in one buffer, in one copy that nobody waits for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from embtune.train.prepare import PreparedStep

_ALIGNED = 16  # bytes: each tensor begins at a multiple, as the widest type and the copy engine want it


@dataclass(frozen=True)
class _Copy:
    """A copy under way. pinned: read by the copy engine, so that it has to live as long as this does."""

    pinned: Tensor
    buffer: Tensor
    done: torch.cuda.Event


@dataclass(frozen=True)
class SentStep:
    """A step on its way to the device. Keep it until the step is done."""

    step: PreparedStep
    copy: _Copy | None

    def arrived(self) -> PreparedStep:
        """The step, for the current stream, which waits for the copy; the host does not."""
        if self.copy is not None:
            stream = torch.cuda.current_stream(self.copy.buffer.device)
            stream.wait_event(self.copy.done)
            self.copy.buffer.record_stream(stream)  # so that its memory is not used again before this stream is done
        return self.step


class Sender:
    """Sends steps to one device: to a GPU on a stream of its own, beside the work there. On a CPU nothing moves."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = _new_stream(device) if device.type == "cuda" else None

    def send(self, step: PreparedStep) -> SentStep:
        """Begin to copy. May be called on any thread."""
        if self._stream is None:
            return SentStep(step if self._device.type == "cpu" else step.map(lambda t: t.to(self._device)), None)
        packed = PackedStep.of(step, pin=True)
        with torch.cuda.stream(self._stream):
            buffer = packed.buffer.to(self._device, non_blocking=True)
            done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            done.record(self._stream)
        return SentStep(packed.over(buffer), _Copy(packed.buffer, buffer, done))


@dataclass(frozen=True)
class PackedStep:
    """A step and the bytes of its tensors, one behind the other; a tensor that it holds twice is in there once.

    places: id of each tensor -> where in `buffer` it begins.
    """

    step: PreparedStep
    buffer: Tensor
    places: dict[int, int]

    @staticmethod
    def of(step: PreparedStep, pin: bool) -> PackedStep:
        """Copy the tensors into a new buffer. pin: in memory that a GPU copies from without the host."""
        tensors: dict[int, Tensor] = {}
        step.map(lambda tensor: tensors.setdefault(id(tensor), tensor))
        *starts, size = accumulate((_aligned(tensor.nbytes) for tensor in tensors.values()), initial=0)
        buffer = torch.empty(size, dtype=torch.uint8, pin_memory=pin)
        places = dict(zip(tensors, starts, strict=True))
        for key, tensor in tensors.items():
            _view(buffer, places[key], tensor).copy_(tensor)
        return PackedStep(step, buffer, places)

    def over(self, buffer: Tensor) -> PreparedStep:
        """The step with its tensors in a copy of the buffer."""
        return self.step.map(lambda tensor: _view(buffer, self.places[id(tensor)], tensor))


def _new_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def _view(buffer: Tensor, start: int, like: Tensor) -> Tensor:
    return buffer[start : start + like.nbytes].view(like.dtype).view(like.shape)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED

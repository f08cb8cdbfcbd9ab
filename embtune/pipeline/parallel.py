"""Whether each process has all of the model or a part: `train.parallel`, held against the model and the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from embtune.config import LoadedConfig
from embtune.config.words import Parallel, Precision
from embtune.errors import ConfigError
from embtune.model.embedder import TextEmbedder
from embtune.pipeline.settings import Settings
from embtune.train.machine_memory import total_bytes
from embtune.train.shard_choice import ShardChoice, choose_shards, training_bytes
from embtune.world import World

_KEY = ("train", "parallel")
_ASKED = ShardChoice(True, "asked for")
_NOT_ASKED = ShardChoice(False, "asked for")
_ALONE = ShardChoice(False, "one process has all of the model")


@dataclass(frozen=True)
class _Trouble:
    """Why a model cannot be spread over processes, and what to do about it."""

    reason: str
    remedy: str


def decide_parallel(
    loaded: LoadedConfig,
    settings: Settings,
    towers: Mapping[str, TextEmbedder],
    objectives: Sequence[nn.Module],
    world: World,
) -> ShardChoice:
    """What `train.parallel` comes to, the same on machines of the same size.

    Args:
        towers: what is trained. objectives: what is trained beside them.
        world: the processes.

    Raises:
        ConfigError: it is `shard`, and this run cannot be.
    """
    asked = loaded.config.train.parallel
    if world.is_alone:
        return _ALONE
    if asked is Parallel.REPLICATE:
        return _NOT_ASKED
    trouble = next(_troubles(loaded, settings, towers, objectives), None)
    if asked is Parallel.SHARD:
        if trouble is not None:
            raise _refused(loaded, trouble)
        return _ASKED
    half = settings.precision is Precision.BF16_WEIGHTS
    parameters = {id(each): each for tower in towers.values() for each in tower.parameters()}
    needed = training_bytes(parameters.values(), half)
    memory = total_bytes(settings.device, world.local_size)
    return choose_shards(needed, memory, None if trouble is None else trouble.reason)


def _troubles(
    loaded: LoadedConfig, settings: Settings, towers: Mapping[str, TextEmbedder], objectives: Sequence[nn.Module]
) -> Iterator[_Trouble]:
    replicate = "use train.parallel: replicate"
    static = next((tower for tower in towers.values() if not tower.depth), None)
    if static is not None:
        reason = f"a {static.encoder.architecture} model has no layers to spread, and a step reads few of its vectors"
        yield _Trouble(reason, f"{replicate}: it is small")
    weights = {id(each) for tower in towers.values() for each in tower.encoder.parameters()}
    if any(id(each) in weights for objective in objectives for each in objective.parameters()):
        reason = "the loss has a decoder that shares the model's weights"
        yield _Trouble(reason, f"give the decoder weights of its own, or {replicate}")
    if settings.precision is Precision.FP16:
        yield _Trouble("fp16 needs a loss scaler that sees all gradients", f"use train.precision: bf16, or {replicate}")
    if loaded.config.train.compile is True:
        yield _Trouble("layers that are spread are not compiled", f"leave train.compile out, or {replicate}")


def _refused(loaded: LoadedConfig, trouble: _Trouble) -> ConfigError:
    message = f"train.parallel: shard cannot be used here: {trouble.reason}"
    return ConfigError(loaded.problem(_KEY, "cannot-shard", message, trouble.remedy))

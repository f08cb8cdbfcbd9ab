"""What `auto` comes to, and which settings a loss implies: decided here, and said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from embtune.catalog import LossSpec, effective_spec
from embtune.catalog.spec import Coupling, Need
from embtune.config import LoadedConfig
from embtune.config.sections.data import MixtureConfig
from embtune.config.sections.losses import LossConfig
from embtune.config.words import BatchSampler, GradientCache, Precision
from embtune.data.mixtures import passes
from embtune.errors import ConfigError
from embtune.pipeline.datasets import TrainSet
from embtune.train.precision import cpu_computes_bf16, decide_device, decide_precision
from embtune.world import ALONE, World

_SAMPLER_OF_NEED = {
    Need.GROUP_BY_LABEL: BatchSampler.GROUP_BY_LABEL,
    Need.NO_DUPLICATES: BatchSampler.NO_DUPLICATES,
}
_NO_BF16 = "this CPU says it computes in bf16, but a process that tries is ended by the system"
_NO_BF16_HINT = "Set the environment variable ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16, or train.precision: fp32."
_IN_BF16 = (Precision.BF16, Precision.BF16_WEIGHTS)
_CACHE_KEY = "train.gradient_cache"


@dataclass(frozen=True)
class Settings:
    """Decided values. `notes` says what was changed or decided and why, a sentence each.

    samplers, batch_sizes, passes: one for each training set: how its rows are put into batches, how many of them into
        one, and how often an epoch goes through it.
    """

    device: torch.device
    precision: Precision
    samplers: tuple[BatchSampler, ...]
    batch_sizes: tuple[int, ...]
    passes: tuple[float, ...]
    gradient_cache: GradientCache
    notes: tuple[str, ...]

    @property
    def sampler_words(self) -> str:
        """The samplers there are, each once."""
        return ", ".join(dict.fromkeys(self.samplers))


def decide_settings(
    loaded: LoadedConfig,
    train_sets: Sequence[TrainSet],
    bf16_speedup: float | None = None,
    world: World = ALONE,
) -> Settings:
    """Decide everything that the config leaves to the tool, from the losses and the machine.

    Args:
        bf16_speedup: of this CPU over float32, 0 where it cannot compute in bf16; None where that was not measured.
        world: the processes of the run.

    Raises:
        ConfigError: bf16 on a CPU that cannot compute in it.
    """
    train = loaded.config.train
    losses = [loss for each in train_sets for loss in each.losses]
    device = decide_device(world)
    cache, notes = _gradient_cache(train.gradient_cache, losses)
    asked = train.batch_sampler
    samplers = tuple(
        sampler_of(loss.spec for loss in each.losses) if asked is BatchSampler.AUTO else asked for each in train_sets
    )
    precision = decide_precision(train.precision, device, bf16_speedup)
    if precision in _IN_BF16 and device.type == "cpu" and not _cpu_computes_bf16(bf16_speedup):
        raise ConfigError(loaded.problem(("train", "precision"), "no-bf16", _NO_BF16, _NO_BF16_HINT))
    mixture = loaded.config.data.mixture
    sizes, weights = [len(each.examples) for each in train_sets], [each.config.weight for each in train_sets]
    return Settings(
        device=device,
        precision=precision,
        samplers=samplers,
        batch_sizes=tuple(each.config.batch_size or train.batch_size for each in train_sets),
        passes=tuple(passes(sizes, weights, mixture.temperature)),
        gradient_cache=cache,
        notes=(*notes, *_mixture_of_one(mixture, len(train_sets))),
    )


def _mixture_of_one(mixture: MixtureConfig, sets: int) -> tuple[str, ...]:
    """A mixture is one of several sets."""
    if sets > 1 or mixture == MixtureConfig():
        return ()
    return ("data.mixture has no effect: there is one training set",)


def _cpu_computes_bf16(speedup: float | None) -> bool:
    return cpu_computes_bf16() if speedup is None else speedup > 0


def _gradient_cache(asked: GradientCache, losses: Sequence[LossConfig]) -> tuple[GradientCache, tuple[str, ...]]:
    """A "cached" loss is its plain form with the cache on, unless the config says otherwise."""
    couplings = {effective_spec(loss.spec).coupling for loss in losses}
    if asked is GradientCache.ALWAYS and Coupling.BATCH not in couplings:
        return asked, (f"{_CACHE_KEY}: always has no effect: rows do not interact in this loss, nothing is recomputed",)
    implying = [loss.spec for loss in losses if _CACHE_KEY in loss.spec.settings]
    if asked is not GradientCache.AUTO or not implying:
        return asked, ()
    implied = GradientCache(str(implying[0].settings[_CACHE_KEY]))
    return implied, (f"adjusted: {_CACHE_KEY} {asked} -> {implied} ({implying[0].name} asks for it)",)


def sampler_of(specs: Iterable[LossSpec]) -> BatchSampler:
    """What `auto` comes to for losses that are trained together."""
    needs = {need for spec in specs for need in effective_spec(spec).needs | spec.needs}
    return next((sampler for need, sampler in _SAMPLER_OF_NEED.items() if need in needs), BatchSampler.RANDOM)


def describe_loss(loss: LossConfig) -> str:
    """The loss and its unusual parameters, with `temperature` beside the `scale` it is the inverse of."""
    values = loss.parameters.model_dump(mode="json")
    usual = type(loss.parameters).model_construct().model_dump(mode="json")
    shown = {key: value for key, value in values.items() if key == "scale" or value != usual.get(key)}
    scale = shown.get("scale")
    if isinstance(scale, int | float) and scale > 0:
        shown = {"scale": scale, "temperature": round(1 / scale, 6), **shown}
    listed = ", ".join(f"{key} {_word(value)}" for key, value in shown.items())
    name = f"{loss.spec.name} ({listed})" if listed else loss.spec.name
    return name + (f" x {loss.weight:g}" if loss.weight != 1 else "")


def _word(value: object) -> str:
    return "+".join(str(each) for each in value) if isinstance(value, list) else str(value)


def takes_large_batches(spec: LossSpec) -> bool:
    """Whether the loss learns from other rows of its batch."""
    return Need.LARGE_BATCH in effective_spec(spec).needs

"""How the towers of a run compute: with which copies or parts of their weights, and compiled or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embtune.config.sections.train import TrainConfig
from embtune.config.words import Parallel, Precision
from embtune.model.compiling import compile_layers, layers_of, why_not_compile
from embtune.model.embedder import TextEmbedder
from embtune.pipeline.datasets import TrainSet
from embtune.pipeline.settings import Settings
from embtune.report.facts import Fact
from embtune.train.compile_choice import CompileChoice, choose_compile
from embtune.train.half_weights import HalfWeights
from embtune.train.precision import MixedPrecision
from embtune.train.shard_choice import ShardChoice
from embtune.train.shards import Shards
from embtune.world import World

_SAMPLE = 1000  # texts
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Computing:
    """What computes in training.

    towers: name -> what embeds. half: makes them, where they are copies of what is trained.
    shards: has them, where they are spread over processes. trained: name -> what is trained, of the same towers.
    precision: what the towers compute in. sharded, compiled: the choices, as they came out.
    notes: what a person should know of it.
    """

    towers: Mapping[str, TextEmbedder]
    trained: Mapping[str, TextEmbedder]
    precision: Precision
    sharded: ShardChoice
    compiled: CompileChoice
    notes: tuple[str, ...]
    half: HalfWeights | None = None
    shards: Shards | None = None

    def fact(self) -> Fact:
        """A line of the plan."""
        word = "yes" if self.compiled.wanted else "no"
        return Fact("compiled", self.compiled.wanted, f"{word}: {self.compiled.reason}")

    def fact_of_processes(self) -> Fact:
        """A line of the plan of several processes."""
        kind = Parallel.SHARD if self.sharded.wanted else Parallel.REPLICATE
        return Fact("parallel", kind.value, f"{kind}: {self.sharded.reason}")


def prepare_computing(
    train: TrainConfig,
    settings: Settings,
    towers: Mapping[str, TextEmbedder],
    tokens: int,
    sharded: ShardChoice,
    world: World,
) -> Computing:
    """Make ready what computes.

    Args:
        towers: what is trained, on its device.
        tokens: that the whole run trains on, roughly.
        sharded: whether the towers are spread over the processes of `world`.
    """
    if sharded.wanted:
        return _over_processes(settings, towers, sharded, world)
    half = HalfWeights(towers) if MixedPrecision(settings.precision, settings.device).half_weights else None
    computing = towers if half is None else half.towers
    weights = max(_layer_weights(tower) for tower in towers.values())
    asked = None if train.compile == "auto" else train.compile
    choice = choose_compile(asked, settings.device, weights, tokens)
    if choice.wanted:
        choice = _compiled(computing, settings, choice)
    notes = _in_vain(train, choice, world)
    return Computing(computing, towers, settings.precision, sharded, choice, notes, half=half)


def _in_vain(train: TrainConfig, choice: CompileChoice, world: World) -> tuple[str, ...]:
    """What the config asks for to no effect."""
    compiling = train.compile is True and not choice.wanted
    found = [f"train.compile has no effect: {choice.reason}"] if compiling else []
    if train.parallel is Parallel.SHARD and world.is_alone:
        found.append("train.parallel: shard has no effect: there is one process")
    return tuple(found)


def _over_processes(
    settings: Settings, towers: Mapping[str, TextEmbedder], sharded: ShardChoice, world: World
) -> Computing:
    """Layers that are put together in each pass come in the type that they compute in, and need no autocast."""
    in_bf16 = settings.precision in (Precision.BF16, Precision.BF16_WEIGHTS)
    precision = Precision.BF16_WEIGHTS if in_bf16 else settings.precision
    shards = Shards(towers, in_bf16, world)
    compiled = CompileChoice(False, "layers that are spread over processes are not")
    return Computing(shards.towers, shards.towers, precision, sharded, compiled, (), shards=shards)


def _layer_weights(tower: TextEmbedder) -> int:
    """The token vectors are only looked up."""
    every = sum(parameter.numel() for parameter in tower.encoder.parameters())
    return every - tower.encoder.token_vectors.numel()


def _compiled(towers: Mapping[str, TextEmbedder], settings: Settings, choice: CompileChoice) -> CompileChoice:
    """Compile every tower that has layers, if torch can: the choice, as it then is."""
    if not any(layers_of(tower) for tower in towers.values()):
        return CompileChoice(False, "this model has no layers that torch could compile one by one")
    trouble = why_not_compile(settings.device)
    if trouble is not None:
        return CompileChoice(False, f"torch cannot compile here ({trouble})")
    for tower in towers.values():
        compile_layers(tower)
    return choice


def tokens_of_run(train_sets: Sequence[TrainSet], rows: int) -> int:
    """About how many tokens `rows` rows have, by the characters of some of their texts; no text is tokenised."""
    counts = []
    for each in train_sets:
        sample = each.examples.texts[:_SAMPLE]
        characters = sum(map(len, sample)) / max(1, len(sample))
        counts.append(characters / _CHARACTERS_PER_TOKEN * len(each.examples.roles))
    return int(rows * sum(counts) / max(1, len(counts)))

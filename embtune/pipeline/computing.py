"""How the towers of a run compute: with which copies of their weights, and compiled or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embtune.config.sections.train import TrainConfig
from embtune.model.compiling import compile_layers, layers_of, why_not_compile
from embtune.model.embedder import TextEmbedder
from embtune.pipeline.datasets import TrainSet
from embtune.pipeline.settings import Settings
from embtune.report.facts import Fact
from embtune.train.compile_choice import CompileChoice, choose_compile
from embtune.train.half_weights import HalfWeights
from embtune.train.precision import MixedPrecision

_SAMPLE = 1000  # texts
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Computing:
    """What computes in training.

    towers: name -> what embeds. half: makes them, where they are copies of what is trained.
    compiled: the choice, as it came out. notes: what a person should know of it.
    """

    towers: Mapping[str, TextEmbedder]
    half: HalfWeights | None
    compiled: CompileChoice
    notes: tuple[str, ...]

    def fact(self) -> Fact:
        """A line of the plan."""
        word = "yes" if self.compiled.wanted else "no"
        return Fact("compiled", self.compiled.wanted, f"{word}: {self.compiled.reason}")


def prepare_computing(
    train: TrainConfig, settings: Settings, towers: Mapping[str, TextEmbedder], tokens: int
) -> Computing:
    """Make ready what computes.

    Args:
        towers: what is trained, on its device.
        tokens: that the whole run trains on, roughly.
    """
    half = HalfWeights(towers) if MixedPrecision(settings.precision, settings.device).half_weights else None
    computing = towers if half is None else half.towers
    weights = max(_layer_weights(tower) for tower in towers.values())
    asked = None if train.compile == "auto" else train.compile
    choice = choose_compile(asked, settings.device, weights, tokens)
    if choice.wanted:
        choice = _compiled(computing, settings, choice)
    in_vain = asked and not choice.wanted
    return Computing(computing, half, choice, (f"train.compile has no effect: {choice.reason}",) if in_vain else ())


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

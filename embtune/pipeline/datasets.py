"""The datasets of a config, read, checked and with their roles known, before any weights are touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from embtune.catalog import LabelKind, LossSpec, Need, spec_fits, why_not
from embtune.catalog.formats import PAIR_CLASS
from embtune.catalog.taught import as_set
from embtune.config import LoadedConfig
from embtune.config.sections.data import DatasetConfig, EvalDatasetConfig, TrainDatasetConfig
from embtune.config.sections.losses import LossConfig
from embtune.data.converting import Converted
from embtune.data.examples import Examples
from embtune.data.layout import Layout
from embtune.data.retrieval import RetrievalSet, is_retrieval_folder, load_retrieval
from embtune.data.summary import Summary, summarise
from embtune.errors import ConfigError, DataError, Problem
from embtune.pipeline.collecting import Key, all_of, located
from embtune.pipeline.data_source import DataSource, open_source
from embtune.pipeline.learnable import Learnt, one_label, unlearnable
from embtune.pipeline.misfits import misfit

ClassNames = tuple[str, ...]


@dataclass(frozen=True)
class TrainSet:
    """A training set: its rows, the losses it is trained with, and the rows that are evaluated on instead.

    summary: of the rows that are trained on.
    converted: how its rows were made, where the config asks for that.
    """

    config: TrainDatasetConfig
    layout: Layout
    examples: Examples
    losses: tuple[LossConfig, ...]
    summary: Summary
    held_out: Examples | None = None
    converted: Converted | None = None

    @property
    def learnt(self) -> Learnt:
        """The set as it is judged before training."""
        return Learnt(self.config.name, self.layout, self.summary, tuple(loss.spec for loss in self.losses))


@dataclass(frozen=True)
class EvalSet:
    """An evaluation set.

    key: of the config that asks for it.
    layout: None for a retrieval folder, whose files say what they are.
    head_classes: those of the trained head that names its classes, which are numbered so; () where no head does.
    converted: how its rows were made, where the config asks for that.
    """

    key: Key
    config: EvalDatasetConfig
    layout: Layout | None
    data: Examples | RetrievalSet
    head_classes: ClassNames = ()
    converted: Converted | None = None


def load_train_sets(loaded: LoadedConfig) -> tuple[TrainSet, ...]:
    """Read every training set and hold it against its losses.

    Raises:
        ConfigError, DataError: everything that is wrong with any of them.
    """
    configs = loaded.config.data.train
    sets = all_of(partial(_train_set, loaded, number, config) for number, config in enumerate(configs))
    _refuse(list(one_label([each.learnt for each in sets]).values()))
    return sets


def load_sets(loaded: LoadedConfig) -> tuple[tuple[TrainSet, ...], tuple[EvalSet, ...]]:
    """All training sets and all evaluation sets, what is held out of training last.

    Raises:
        ConfigError, DataError: everything that is wrong with any of them.
    """
    train_sets: list[TrainSet] = []
    eval_sets: list[EvalSet] = []
    all_of(
        (
            lambda: train_sets.extend(load_train_sets(loaded)),
            lambda: eval_sets.extend(load_eval_sets(loaded, _head_classes(train_sets))),
        )
    )
    return tuple(train_sets), (*eval_sets, *held_out_sets(train_sets, _head_classes(train_sets)))


def load_held_out(loaded: LoadedConfig, head_classes: Sequence[ClassNames] = ()) -> tuple[EvalSet, ...]:
    """The rows that training sets hold out, for an evaluation without training; other training sets are not read.

    Raises:
        ConfigError, DataError: everything that is wrong with any of them.
    """
    configs = [(number, config) for number, config in enumerate(loaded.config.data.train) if config.hold_out]
    train_sets = all_of(partial(_train_set, loaded, number, config) for number, config in configs)
    return tuple(
        _held_out_set(("data", "train", number, "hold_out"), each, head_classes)
        for (number, _), each in zip(configs, train_sets, strict=True)
    )


def held_out_sets(train_sets: Sequence[TrainSet], head_classes: Sequence[ClassNames]) -> Iterator[EvalSet]:
    """The evaluation sets that training sets hold out, each under the name of its training set.

    Args:
        head_classes: of each trained head, which names the classes of pairs.
    """
    for number, each in enumerate(train_sets):
        if each.held_out is not None:
            yield _held_out_set(("data", "train", number, "hold_out"), each, head_classes)


def _held_out_set(key: Key, data: TrainSet, head_classes: Sequence[ClassNames]) -> EvalSet:
    assert data.held_out is not None, "the config holds rows out"
    config = EvalDatasetConfig.model_validate(data.config.model_dump(include=set(DatasetConfig.model_fields)))
    classes = classes_of(data.held_out)
    judge = classes if data.layout.is_of((PAIR_CLASS,)) and classes in head_classes else ()
    return EvalSet(key, config, data.layout, data.held_out, judge)


def classes_of(examples: Examples) -> ClassNames:
    """The classes that a head tells: those of the label, 0 and 1 where it is one of these, () where it is no class."""
    return ("0", "1") if examples.label_kind is LabelKind.BINARY else examples.class_names


def _head_classes(train_sets: Sequence[TrainSet]) -> list[ClassNames]:
    """The classes of each training set that a loss with a head is trained on, each once."""
    with_head = [each for each in train_sets if any(Need.NUM_LABELS in loss.spec.needs for loss in each.losses)]
    return list(dict.fromkeys(classes_of(each.examples) for each in with_head))


def load_eval_sets(loaded: LoadedConfig, head_classes: Sequence[ClassNames] = ()) -> tuple[EvalSet, ...]:
    """Read every evaluation set.

    Args:
        head_classes: of each trained head, which names the classes of pairs.

    Raises:
        ConfigError, DataError: everything that is wrong with any of them.
    """
    configs = loaded.config.data.eval
    return all_of(partial(_eval_set, loaded, number, config, head_classes) for number, config in enumerate(configs))


def _train_set(loaded: LoadedConfig, number: int, config: TrainDatasetConfig) -> TrainSet:
    key: Key = ("data", "train", number)
    losses = (config.loss,) if config.loss else loaded.config.loss
    specs = [as_set(loss.spec, loss.parameters) for loss in losses]
    wanted = [format for spec in specs for format in spec.formats]
    source = open_source(loaded, key, config, wanted)
    wrong = [
        _unfit(loaded, (*key, "loss") if config.loss else ("loss", i), spec, source)
        for i, spec in enumerate(specs)
        if not spec_fits(spec, source.layout.roles, source.layout.label)
    ]
    if wrong:
        raise ConfigError(wrong)
    part, held_out = source.load_parted(config.hold_out)
    held = held_out.examples if held_out else None
    summary = summarise(part.examples)
    found = TrainSet(config, part.layout, part.examples, losses, summary, held, part.converted)
    _refuse(unlearnable(found.learnt))
    return found


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise DataError(problems)


def _eval_set(
    loaded: LoadedConfig, number: int, config: EvalDatasetConfig, head_classes: Sequence[ClassNames]
) -> EvalSet:
    key: Key = ("data", "eval", number)
    folder = loaded.data_path(config.path)
    if config.convert is None and is_retrieval_folder(folder):
        with located(loaded, (*key, "path")):
            data = load_retrieval(folder, on_bad_row=loaded.config.data.on_bad_row)
        return EvalSet(key, config, None, replace(data, name=config.name))
    source = open_source(loaded, key, config, wanted=None)
    as_classes = open_source(loaded, key, config, wanted=(PAIR_CLASS,)) if head_classes else source
    is_judged = as_classes.layout.is_of((PAIR_CLASS,)) and _is_for_heads(source.layout, head_classes)
    if not (head_classes and is_judged):
        part = source.load()
        return EvalSet(key, config, part.layout, part.examples, converted=part.converted)
    found = set(as_classes.load().examples.class_names)
    judge = next((classes for classes in head_classes if found <= set(classes)), head_classes[0])
    return EvalSet(key, config, as_classes.layout, as_classes.load(judge).examples, judge)


def _is_for_heads(layout: Layout, head_classes: Sequence[ClassNames]) -> bool:
    """Whether the label names classes; 0 and 1 do where they are classes of a head."""
    return layout.label is LabelKind.CLASS or any({"0", "1"} <= set(classes) for classes in head_classes)


def _unfit(loaded: LoadedConfig, key: Key, spec: LossSpec, source: DataSource) -> Problem:
    layout = source.layout
    if source.plan is not None:
        return loaded.problem(key, "loss-does-not-fit", why_not(spec, layout.roles, layout.label))
    message, hint = misfit(spec, layout, source.sample, loaded.catalogue)
    return loaded.problem(key, "loss-does-not-fit", message, hint)

"""The keys of a drafted config, section by section, each with the schema's own description and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embtune.catalog import Catalogue, LossSpec, Need
from embtune.catalog.parameter_docs import parameter_docs
from embtune.config.annotated import Entry, Items, Section
from embtune.config.keys import described
from embtune.config.words import EvaluatorName, OnBadRow
from embtune.data.layout import Layout
from embtune.pipeline.draft_evaluation import Judged
from embtune.pipeline.draft_loss import ChosenLoss, loss_entry
from embtune.pipeline.draft_model import ModelSeen
from embtune.pipeline.draft_settings import Optimisation, max_seq_length, sampler_remark
from embtune.pipeline.text_lengths import Lengths

_STEPS_A_LOG = 10  # at most; a short run has some twenty lines
_LONG_RUN = 1000  # steps, from which on an evaluation takes little of the time of those between two
_OFTEN, _SELDOM = 0.1, 0.25  # share of training between two evaluations


@dataclass(frozen=True)
class DraftSet:
    """A dataset as the config names it. found: what is told of it; columns None for a retrieval set."""

    name: str
    path: str
    columns: dict[str, str] | None
    found: tuple[str, ...] = ()
    column_reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """All that was decided.

    judged: what is evaluated on, be it held out or a set of its own (`eval_set`).
    rows: that can be trained on; 0 where they are still to be named.
    """

    model: ModelSeen
    lengths: tuple[Lengths, ...]
    train_set: DraftSet
    eval_set: DraftSet | None
    judged: Judged
    rows: int
    bad_rows: int
    loss: ChosenLoss
    layout: Layout
    catalogue: Catalogue
    optimisation: Optimisation


def entries(draft: Draft) -> list[Entry]:
    """The root's keys, in the order of the data flow."""
    return [
        _key("version", 1),
        _key("output_dir", f"runs/{draft.train_set.name}"),
        _key("seed", 42),
        _model(draft),
        _data(draft),
        loss_entry(draft.loss, draft.layout, draft.catalogue, described()["loss"]),
        _modifiers(draft.catalogue),
        _train(draft),
        *_around(draft),
    ]


def _key(place: str, value: object, *found: str, is_off: bool = False) -> Entry:
    return Entry(place.rpartition(".")[2], value, described()[place], found, is_off)


def _section(place: str, *keys: Entry) -> Entry:
    return _key(place, Section(keys))


def _model(draft: Draft) -> Entry:
    model = draft.model
    counted = () if model.tokenizer else ("estimated from words, for the model has no tokenizer here:",)
    limited = () if model.limit is None else (f"the model keeps {model.limit:,} by itself",)
    told = (*counted, *map(str, draft.lengths), *limited)
    return _section(
        "model",
        _key("model.name_or_path", model.name),
        _key("model.max_seq_length", max_seq_length(draft.lengths, model.limit, model.is_static), *told),
        _key("model.prompts", {"query": "query: ", "document": "passage: "}, is_off=True),
        _key("model.lora", {"r": 16, "alpha": 32}, is_off=True),
    )


def _data(draft: Draft) -> Entry:
    data = [_key("data.train", Items((Section(tuple(_set_keys("data.train[]", draft.train_set, draft.judged))),)))]
    if draft.eval_set is not None:
        data.append(_key("data.eval", Items((Section(tuple(_set_keys("data.eval[]", draft.eval_set))),))))
    elif not draft.judged.rows:
        remark = f"nothing of these rows is held out: {draft.judged.why_not}"
        data.append(_key("data.eval", [{"path": "dev.jsonl"}], remark, is_off=True))
    if draft.bad_rows:
        remark = f"{draft.bad_rows:,} rows cannot be used; embtune check-format {draft.train_set.path} shows them"
        data.append(_key("data.on_bad_row", OnBadRow.SKIP.value, remark))
    else:
        data.append(_key("data.on_bad_row", OnBadRow.ERROR.value))
    return _section("data", *data)


def _set_keys(place: str, each: DraftSet, judged: Judged | None = None) -> Sequence[Entry]:
    keys = [_key(f"{place}.name", each.name), _key(f"{place}.path", each.path, *each.found)]
    if each.columns is not None:
        keys.append(_key(f"{place}.columns", each.columns, *each.column_reasons))
    if judged is not None and judged.rows:
        keys.append(_key(f"{place}.hold_out", judged.rows))
    return keys


def _modifiers(catalogue: Catalogue) -> Entry:
    """A modifier that every model takes, to be switched on."""
    simple = next(spec for spec in catalogue.specs if spec.is_modifier and Need.LAYERS not in spec.needs)
    return _key("modifiers", [_example(simple)], f"{simple.name}: {simple.purpose}", is_off=True)


def _example(spec: LossSpec) -> dict[str, object]:
    return {"name": spec.name, **{each.name: each.example for each in parameter_docs(spec) if each.required}}


def _train(draft: Draft) -> Entry:
    chosen = draft.optimisation
    return _section(
        "train",
        _key("train.num_train_epochs", chosen.epochs, f"about {chosen.steps:,} steps in all"),
        _key("train.batch_size", chosen.batch_size),
        _key("train.batch_sampler", "auto", sampler_remark(draft.loss.spec)),
        _key("train.learning_rate", draft.model.learning_rate, *draft.model.rate_remarks),
        _key("train.lr_scheduler_type", "cosine"),
        _key("train.warmup_ratio", 0.1),
        _key("train.precision", "auto", is_off=True),
    )


def _around(draft: Draft) -> list[Entry]:
    """What happens around the optimisation."""
    judged, steps = draft.judged.evaluator, draft.optimisation.steps
    share = _OFTEN if steps >= _LONG_RUN else _SELDOM
    evaluated = [
        _key("eval.steps", share),
        _key("eval.on_start", True),
        _key("eval.evaluators", _evaluators(draft.judged), f"here {draft.judged}"),
    ]
    keys = [_section("eval", *evaluated)] if judged is not None else []
    best = [_key("checkpoint.best_metric", judged.primary)] if judged is not None else []
    return [
        *keys,
        _section("checkpoint", _key("checkpoint.steps", share), _key("checkpoint.keep", 2), *best),
        _section("logging", _key("logging.steps", min(_STEPS_A_LOG, max(1, steps // 20)))),
    ]


def _evaluators(judged: Judged) -> object:
    """Left to the tool, but for one that it takes only where it is asked for."""
    word = judged.evaluator.word if judged.evaluator else None
    return [word.value] if word is EvaluatorName.TRANSLATION else "auto"

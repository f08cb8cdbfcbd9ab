"""The loss that `init` writes: the one that check-format recommends, with its parameters and what else there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from embtune.catalog import Catalogue, LossSpec, losses_fitting
from embtune.catalog.conversions import conversions_from, losses_after
from embtune.catalog.fitting import by_merit, model_wanted
from embtune.catalog.formats import ANY
from embtune.catalog.parameter_docs import ParameterDoc, as_yaml, parameter_docs
from embtune.config.annotated import Entry, Section
from embtune.data.layout import Layout
from embtune.errors import ConfigError

_FARTHEST = 2.0  # the largest distance between vectors of unit length
_NEAR = {"distance_metric": "cosine", "margin": 0.3, "triplet_margin": 0.3}  # for a margin beyond that


@dataclass(frozen=True)
class ChosenLoss:
    """A loss with the parameters that are written."""

    spec: LossSpec
    parameters: Mapping[str, object]


def choose_loss(layout: Layout, catalogue: Catalogue, teacher: str) -> ChosenLoss:
    """The loss that suits the data best, one that needs no other model where there is one.

    Args:
        teacher: the model to name where every loss that takes the data needs one.

    Raises:
        ConfigError: no loss takes the data as it is.
    """
    fitting = losses_fitting(layout.roles, layout.label, catalogue.specs)
    alone = [spec for spec in fitting if ANY not in spec.formats and _model_wanted(spec, layout) is None]
    if alone:
        return ChosenLoss(alone[0], _written(alone[0]))
    for spec in sorted(catalogue.losses(), key=by_merit):
        wanted = _model_wanted(spec, layout)
        if wanted is not None:
            return ChosenLoss(spec, {wanted: teacher, **_written(spec)})
    ways = "; ".join(map(str, conversions_from(layout.roles, layout.label)))
    hint = f"after a conversion some would: {ways}" if ways else "embtune list-losses shows what losses take"
    raise ConfigError.of("no-loss", f"no loss takes this data, {layout}, as it is", hint)


def loss_entry(chosen: ChosenLoss, layout: Layout, catalogue: Catalogue, comment: str) -> Entry:
    """The section `loss`, with its other parameters, other losses and conversions below it."""
    documents = parameter_docs(chosen.spec)
    main = [each for each in documents if isinstance(each.default, float)][:1]
    shown = [each for each in documents if each.name in chosen.parameters or each in main]
    name = Entry("name", chosen.spec.name, chosen.spec.purpose)
    below = [*_further(chosen.spec, [each for each in documents if each not in shown])]
    below += _others(chosen, layout, catalogue)
    return Entry("loss", Section((name, *(_parameter(each, chosen) for each in shown)), tuple(below)), comment)


def _written(spec: LossSpec) -> dict[str, object]:
    """The parameters that are not left to their defaults. Vectors of unit length never come as far as some margins."""
    defaults = {each.name: each.default for each in parameter_docs(spec)}
    margins = [value for name in _NEAR if isinstance(value := defaults.get(name), float)]
    if "distance_metric" in defaults and any(margin > _FARTHEST for margin in margins):
        return {name: value for name, value in _NEAR.items() if name in defaults}
    return {}


def _parameter(document: ParameterDoc, chosen: ChosenLoss) -> Entry:
    words = f" ({document.type})" if "|" in document.type else ""
    value = chosen.parameters.get(document.name, document.default)
    return Entry(document.name, value, document.description + words)


def _further(spec: LossSpec, documents: Sequence[ParameterDoc]) -> Iterator[str]:
    """The parameters that are left to their defaults, named."""
    if documents:
        defaults = ", ".join(f"{each.name}: {as_yaml(each.default)}" for each in documents)
        yield f"Left to their defaults: {defaults} (embtune list-losses {spec.alias} tells of each)."


def _others(chosen: ChosenLoss, layout: Layout, catalogue: Catalogue) -> Iterator[str]:
    """What could stand in its place, a remark each. Losses that only preset another are left out."""
    own = [spec for spec in catalogue.losses() if spec.resolves_to is None and spec is not chosen.spec]
    fitting = [spec for spec in losses_fitting(layout.roles, layout.label, own) if ANY not in spec.formats]
    alone = [spec for spec in fitting if _model_wanted(spec, layout) is None]
    if alone:
        yield "Other losses that take these rows:"
        yield from (f"  {spec.name}: {spec.purpose}" for spec in alone)
    helped = [f"{spec.name} ({wanted}: MODEL)" for spec in own if (wanted := _model_wanted(spec, layout))]
    if helped:
        yield f"With another model: {', '.join(helped)}."
    for way in conversions_from(layout.roles, layout.label):
        more = [spec.name for spec in losses_after(way, [chosen.spec, *fitting], own)]
        if more:
            yield f"After a conversion, {way}: {', '.join(more)}."


def _model_wanted(spec: LossSpec, layout: Layout) -> str | None:
    return model_wanted(spec, layout.roles, layout.label)

"""Which models that are not trained, guides and teachers, a run asks, and what is known of them before they embed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from embtune.catalog.frozen import prompt_of
from embtune.catalog.guided import frozen_parameter
from embtune.config import LoadedConfig
from embtune.config.sections.losses import LossConfig
from embtune.data.examples import Examples
from embtune.errors import ConfigError
from embtune.losses.objective import BuildContext, View, frozen_model, guide_tower
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encoded_width
from embtune.model.fingerprint import model_fingerprint
from embtune.model.load import load_model
from embtune.model.queries import check_one_model
from embtune.modifiers.build import build_objective
from embtune.pipeline.collecting import Key, located
from embtune.pipeline.datasets import TrainSet, classes_of
from embtune.report.progress import Progress


@dataclass(frozen=True)
class Wish:
    """A loss of a training set that wants texts of these views embedded, each under its prompt.

    key: where the config names the model. views: with what `frozen_vectors` takes as the prompt.
    """

    key: Key
    role: str  # `guide` or `teacher`
    name: str
    data: Examples
    views: Mapping[View, str | None]


@dataclass(frozen=True)
class FrozenModel:
    """A model that is asked and not trained. width: of its embeddings. fingerprint: of everything that decides them."""

    role: str
    name: str
    width: int
    fingerprint: str

    @property
    def tower(self) -> str:
        """What views call it."""
        return guide_tower(self.name)


@dataclass(frozen=True)
class FrozenModels:
    """What models that are not trained are to embed, and what is known of each of them."""

    train_sets: Sequence[TrainSet]
    wishes: Sequence[Wish]
    models: Sequence[FrozenModel]

    def width(self, tower: str) -> int:
        """How wide the embeddings of a tower are."""
        return next(each.width for each in self.models if each.tower == tower)


def read_frozen(loaded: LoadedConfig, train_sets: Sequence[TrainSet], progress: Progress) -> FrozenModels:
    """Read every such model once and let go of it before the next: what is wrong with one is told before any embeds.

    Raises:
        ModelError: a model cannot be had; located at the parameter that names it.
        ConfigError: two losses on one set want the same texts of a model under different prompts.
    """
    wanted = list(_wishes(loaded, train_sets))
    _check_prompts(loaded, wanted)
    models = [_read(loaded, wish, progress) for wish in {wish.name: wish for wish in reversed(wanted)}.values()]
    return FrozenModels(train_sets, wanted, models[::-1])


def _check_prompts(loaded: LoadedConfig, wanted: Sequence[Wish]) -> None:
    first: dict[tuple[str, View], str | None] = {}
    for wish in wanted:
        for view, prompt in wish.views.items():
            if first.setdefault((wish.data.name, view), prompt) != prompt:
                message = f"another loss has {wish.name} read the texts of {view.role!r} under another prompt"
                hint = f"Write the same {wish.role}_prompts for both."
                raise ConfigError(loaded.problem(wish.key, "two-prompts", message, hint))


def _read(loaded: LoadedConfig, wish: Wish, progress: Progress) -> FrozenModel:
    with progress.stage(f"reading the {wish.role} {wish.name}"):
        model = load_frozen(loaded, wish)
        return FrozenModel(wish.role, wish.name, encoded_width(model), model_fingerprint(model))


def _wishes(loaded: LoadedConfig, train_sets: Sequence[TrainSet]) -> Iterator[Wish]:
    for number, data in enumerate(train_sets):
        for place, loss in enumerate(data.losses):
            named = frozen_parameter(loss.parameters)
            if named is not None:
                key: Key = ("data", "train", number, "loss") if data.config.loss else ("loss", place)
                views = {view: prompt_of(named.prompts, view.role) for view in _frozen_views(loss, data.examples)}
                yield Wish((*key, named.parameter), named.parameter, named.model, data.examples, views)


def _frozen_views(loss: LossConfig, data: Examples) -> tuple[View, ...]:
    """Built for no model in particular, the loss is only asked what it wants."""
    context = BuildContext(embedding_dim=1, depth=0, class_count=len(classes_of(data)) or None)
    objective = build_objective([(loss.spec, loss.parameters, 1.0)], [], context)
    return tuple(view for view in objective.request(data.roles).views if frozen_model(view.tower))


def load_frozen(loaded: LoadedConfig, wish: Wish) -> TextEmbedder:
    """The model that a loss names.

    Raises:
        ModelError: it cannot be had, or is one for queries and documents apart; located at the parameter.
    """
    with located(loaded, wish.key):
        model = load_model(wish.name)
        check_one_model(model)
    return model

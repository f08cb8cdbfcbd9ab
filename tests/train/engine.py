"""A real, small engine for tests: a transformer from scratch with dropout, real losses, rows of uneven length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from embtune.catalog import find_spec
from embtune.catalog.spec import LabelKind
from embtune.config.words import Precision
from embtune.data.examples import Examples
from embtune.losses.objective import BuildContext, Objective
from embtune.model.embedder import TextEmbedder
from embtune.model.lanes import Lanes
from embtune.model.load import load_model
from embtune.modifiers.build import build_objective
from embtune.train.budget import EVERYTHING, Budget
from embtune.train.embed import EmbedSettings
from embtune.train.optimizer import Trainables
from embtune.train.outcome import GroupScores, StepOutcome, read_scores
from embtune.train.precision import MixedPrecision
from embtune.train.prepare import Cutting, PreparedStep, prepare_step
from embtune.train.rows import TrainingRows
from embtune.train.step import run_step
from embtune.train.tokenise import RoleText, tokenise

WORDS = (
    "cat",
    "dog",
    "sat",
    "ran",
    "on",
    "mat",
    "log",
    "and",
    "slept",
    "woke",
    "under",
    "an",
    "old",
    "tree",
    "by",
    "river",
)
CLASSES = 3


def sentences(count: int, seed: int) -> list[str]:
    """`count` different texts of 2 to 30 words."""
    rng = np.random.default_rng(seed)
    return [f"{number} " + " ".join(rng.choice(WORDS, size=rng.integers(2, 30))) for number in range(count)]


def examples(roles: tuple[str, ...], label: LabelKind, size: int = 24, ragged: bool = False) -> Examples:
    """Rows of the given roles; with `ragged` every third row lacks its last text."""
    texts = sentences(size * len(roles), seed=1)
    ids = {role: np.arange(size, dtype=np.int32) + size * i for i, role in enumerate(roles)}
    if ragged:
        ids[roles[-1]][::3] = -1
    rng = np.random.default_rng(2)
    labels = {
        LabelKind.NONE: None,
        LabelKind.CLASS: rng.integers(0, CLASSES, size),
        LabelKind.BINARY: rng.integers(0, 2, size),
        LabelKind.SCORE: rng.random(size).astype(np.float32),
    }[label]
    names = tuple(f"class {i}" for i in range(CLASSES)) if label is LabelKind.CLASS else ()
    return Examples("toy", roles, texts, ids, labels, label, names)


def scratch_model(kind: str = "transformer?layers=2&width=32&heads=2", dropout: float = 0.1) -> TextEmbedder:
    """A model from scratch in training mode."""
    return load_model(f"scratch:{kind}", dropout=dropout, scratch_texts=lambda: sentences(100, 1), seed=3).train()


@dataclass
class Engine:
    """A model, an objective and data, ready for steps."""

    model: TextEmbedder
    objective: Objective
    rows: TrainingRows
    every_layer: bool = False
    precision: Precision = Precision.FP32
    lanes: Lanes = field(default_factory=Lanes)

    @property
    def trainables(self) -> Trainables:
        """All that the steps give gradients to."""
        return Trainables(self.towers, [self.objective])

    @property
    def towers(self) -> dict[str, TextEmbedder]:
        """The model, and the one for queries where it has one."""
        return {"model": self.model} | ({} if self.model.queries is None else {"query": self.model.queries})

    def prepared(
        self, budget: int = 256, group: int = EVERYTHING, block: int = 1024, launch: int = 32, lanes: int = 1
    ) -> PreparedStep:
        """A step over all rows, on the CPU."""
        share = not any(tower.has_dropout and tower.training for tower in self.towers.values())
        cutting = Cutting(self.towers, Budget(budget, EVERYTHING, group, block, launch, lanes), share)
        return prepare_step(self.rows, np.arange(self.rows.size), self.objective.coupling, cutting)

    def run(self, prepared: PreparedStep, kept: int = EVERYTHING, seed: int = 7) -> list[GroupScores]:
        """A prepared step, its gradients in the parameters; nothing is read."""
        self.trainables.zero_grad(set_to_none=True)
        mixed = MixedPrecision(self.precision, self.model.device)
        settings = EmbedSettings(self.towers, mixed, self.every_layer, kept, lanes=self.lanes)
        return run_step(prepared, self.objective, settings, seed)

    def step(
        self, kept: int = EVERYTHING, budget: int = 256, group: int = EVERYTHING, block: int = 1024, seed: int = 7
    ) -> StepOutcome:
        """One step over all rows."""
        return read_scores(self.run(self.prepared(budget, group, block), kept, seed))[0]

    def gradients(self) -> dict[str, Tensor]:
        """A copy of every gradient, by name."""
        return {name: p.grad.clone() for name, p in self.trainables.trainable() if p.grad is not None}


def engine(
    loss: str,
    data: Examples,
    *,
    model: TextEmbedder | None = None,
    modifiers: Mapping[str, Mapping[str, object]] | None = None,
    precision: Precision = Precision.FP32,
    **parameters: object,
) -> Engine:
    """An engine for one loss, by its name in the catalogue."""
    model = model or scratch_model()
    spec = find_spec(loss)
    torch.manual_seed(0)
    wrapped = [(find_spec(name), find_spec(name).parameters(**values)) for name, values in (modifiers or {}).items()]
    context = BuildContext(model.embedding_dim, model.depth, len(data.class_names) or None)
    objective = build_objective([(spec, spec.parameters(**parameters), 1.0)], wrapped, context)
    request = objective.request(data.roles)
    made = Engine(model, objective, TrainingRows(data.name, {}, None, 0), request.every_layer, precision)
    queries = {"anchor": RoleText(tower="query")} if model.queries is not None else {}
    made.rows = tokenise(data, request, made.towers, lambda role: queries.get(role, RoleText()), lambda done: None)
    return made

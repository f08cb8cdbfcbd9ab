"""The words the catalogue is written in. Torch-free, and without a single loss.

An entry of the catalogue (`embtune/catalog/entries/`) is one `LossSpec`. Everything a user can ask about a loss
(list, page, format check, config schema, README table) and everything the engine must know of it is read from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from pydantic import BaseModel, ConfigDict


class Coupling(Enum):
    """Whether rows of a batch interact. The engine's only question about the maths."""

    BATCH = "batch"  # in-batch negatives, mining, ranking: the gradient needs all rows' embeddings
    ROWS = "rows"  # a weighted sum over rows: a few whole rows can go through the whole step at once


class LabelKind(Enum):
    """What a label is. `check-format` and the reader cast and check by it."""

    NONE = "none"
    CLASS = "class"  # string or integer, mapped to 0..C-1
    BINARY = "binary"  # 0 or 1
    SCORE = "score"  # a float, 0 to 1
    VECTOR = "vector"  # teacher embedding(s), (D,) or (N, D)
    MARGIN = "margin"  # one float a negative
    SCORES = "scores"  # one float a passage, the positive first


class Need(Enum):
    """What a loss needs from the rest of the run."""

    NO_DUPLICATES = "no_duplicates"  # equal texts in a batch would be false negatives
    GROUP_BY_LABEL = "group_by_label"  # at least two rows of at least two classes a batch
    LARGE_BATCH = "large_batch"
    TEACHER = "teacher"
    GUIDE = "guide"
    NUM_LABELS = "num_labels"  # a head sized by the data's classes
    TWIN = "twin"  # a second trainable copy of the model
    LAYERS = "layers"  # hidden states of inner layers


class RowMaking(Enum):
    """What embtune makes of plain texts for a loss, anew in every step."""

    NOISE = "noise"  # a damaged copy of each text
    SAME_OR_DIFFERENT = "same_or_different"  # pairs: one in eight of a text with itself, the others of two texts


class Parameters(BaseModel):
    """Base of every loss's parameters: unknown names are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Format:
    """One layout of rows a loss accepts.

    `roles` in order. A role ending in `_1..n` stands for one or more numbered columns (`negative_1..n`, `text_1..n`).
    """

    roles: tuple[str, ...]
    label: LabelKind = LabelKind.NONE


@dataclass(frozen=True)
class Paper:
    """Where a loss comes from."""

    title: str
    authors: str
    year: int
    link: str


@dataclass(frozen=True)
class LossSpec:
    """One loss or modifier, as data.

    `implementation` is "module:Class", imported only when a run builds it; a plugin leaves it out. An entry that only
    presets another (`CachedMultipleNegativesRankingLoss`) names it in `resolves_to`: `presets` are parameters it fixes,
    `settings` are config keys it implies ({"train.gradient_cache": "always"}).
    """

    name: str  # exactly as in the Sentence Transformers loss overview
    alias: str  # the short name, accepted everywhere
    purpose: str  # one line
    formula: str  # ASCII
    formats: tuple[Format, ...]
    coupling: Coupling | None  # None for a modifier: the inner loss decides
    parameters: type[Parameters] = field(default_factory=lambda: Parameters)
    implementation: str = ""
    reduction: str = ""  # how rows become one number
    degenerate: tuple[str, ...] = ()  # one row, equal labels ...: what happens
    papers: tuple[Paper, ...] = ()
    needs: frozenset[Need] = frozenset()
    minimum_batch: int = 1
    recommended: bool = False
    is_modifier: bool = False
    taught_formats: tuple[Format, ...] = ()  # what it takes instead where its parameters name a teacher
    made_of_texts: RowMaking | None = None  # how rows come from plain texts, where the loss takes them
    resolves_to: str | None = None
    presets: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    target: LossSpec | None = field(default=None, repr=False)  # what `resolves_to` names, where a plugin has it

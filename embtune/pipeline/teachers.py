"""Models that give the labels of distillation: one that embeds texts, or one that reads a query beside a passage.

Legend: N pairs, U distinct texts, D width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from embtune.catalog.frozen import prompt_of
from embtune.config.words import Precision
from embtune.errors import Location, ModelError
from embtune.losses.similarity import row_similarities
from embtune.model.cross_encoder import CrossEncoder, Pair, is_cross_encoder, load_cross_encoder, score_pairs
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encoded_width
from embtune.model.fingerprint import model_fingerprint
from embtune.model.frozen import frozen_vectors
from embtune.model.load import load_model
from embtune.model.packing import pack_if_alike
from embtune.model.queries import task_prompt
from embtune.model.router_layout import DOCUMENT, QUERY
from embtune.pipeline.evaluate_job import model_folder
from embtune.pipeline.towers import QUERY_ROLE
from embtune.train.budget import micro_batch_tokens
from embtune.train.precision import MixedPrecision, decide_device, decide_precision

RoleText = tuple[str, str]  # a text, and before it the role that it has
_COMPARED_AT_ONCE = 8192  # pairs
_PASSAGE_ROLE = "positive"


class Teacher(ABC):
    """Says how near a passage is to a query."""

    @abstractmethod
    def scores(self, pairs: Sequence[Pair]) -> np.ndarray:
        """(N,) float32 scores of queries and passages; equal ones are computed once."""

    @abstractmethod
    def identity(self) -> Mapping[str, object]:
        """Everything that decides what it says, as JSON has it."""


@dataclass(frozen=True, eq=False)
class VectorTeacher(Teacher):
    """A model that embeds each text by itself; scores are its vectors' similarities, by its own measure.

    prompts: role -> what is read before its texts, as `RolePrompts`. Where texts are scored, other queries and passages
        have the model's prompts for queries and documents, if it has them; everything else has its default prompt.
    """

    model: TextEmbedder
    prompts: Mapping[str, str]
    precision: MixedPrecision

    def vectors(self, texts: Sequence[RoleText], to_score: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """(U, D) float32 vectors, and (len(texts),) which of them is whose; each distinct text is embedded once.

        Args:
            to_score: whether they are queries and passages that are held against each other.
        """
        readers = {role: self._reader(role, to_score) for role in dict.fromkeys(role for role, _ in texts)}
        table = [np.empty((0, encoded_width(self.model)), dtype=np.float32)]
        numbers, first = np.empty(len(texts), dtype=np.int64), 0
        for reader in dict.fromkeys(readers.values()):
            own = [place for place, (role, _) in enumerate(texts) if readers[role] == reader]
            distinct = {text: first + k for k, text in enumerate(dict.fromkeys(texts[place][1] for place in own))}
            table.append(self._embedded(list(distinct), *reader))
            numbers[own] = [distinct[texts[place][1]] for place in own]
            first += len(distinct)
        return np.concatenate(table), numbers

    def scores(self, pairs: Sequence[Pair]) -> np.ndarray:
        """See the base class."""
        sides = [(QUERY_ROLE, query) for query, _ in pairs] + [(_PASSAGE_ROLE, passage) for _, passage in pairs]
        vectors_UD, numbers = self.vectors(sides, to_score=True)
        table_UD, (left_N, right_N) = torch.from_numpy(vectors_UD), numbers.reshape(2, -1)
        parts = [
            row_similarities(self.model.similarity, table_UD[left_N[start:stop]], table_UD[right_N[start:stop]])
            for start in range(0, len(pairs), _COMPARED_AT_ONCE)
            for stop in (start + _COMPARED_AT_ONCE,)
        ]
        return torch.cat([torch.empty(0), *parts]).numpy()

    def identity(self) -> Mapping[str, object]:
        """See the base class."""
        return {
            "model": model_fingerprint(self.model),
            "own prompts": [self.model.prompts, self.model.settings.default_prompt_name],
            "prompts": dict(self.prompts),
            "similarity": self.model.similarity.value,
            "precision": self.precision.precision.value,
        }

    def _reader(self, role: str, to_score: bool) -> tuple[bool, str | None]:
        """Whether the model for queries reads the texts of a role, and after which prompt."""
        prompt = prompt_of(self.prompts, role)
        if not to_score:
            return False, prompt
        is_query = role == QUERY_ROLE
        if prompt is None:
            prompt = task_prompt(self.model, QUERY if is_query else DOCUMENT)
        return is_query and self.model.queries is not None, prompt

    def _embedded(self, texts: Sequence[str], is_query: bool, prompt: str | None) -> np.ndarray:
        model = self.model.queries if is_query else self.model
        assert model is not None, "the reader looked"
        budget = micro_batch_tokens(self.precision.device)
        return frozen_vectors(model, texts, prompt, autocast=self.precision.autocast, token_budget=budget)


@dataclass(frozen=True, eq=False)
class PairTeacher(Teacher):
    """A cross-encoder: its scores are those of its last layer."""

    model: CrossEncoder
    precision: MixedPrecision

    def scores(self, pairs: Sequence[Pair]) -> np.ndarray:
        """See the base class."""
        distinct = {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
        budget = micro_batch_tokens(self.precision.device)
        found = score_pairs(self.model, list(distinct), autocast=self.precision.autocast, token_budget=budget)
        return found[[distinct[pair] for pair in pairs]]

    def identity(self) -> Mapping[str, object]:
        """See the base class."""
        return {"model": self.model.fingerprint(), "precision": self.precision.precision.value}


def load_teacher(name: str, prompts: Mapping[str, str], wants_vectors: bool) -> Teacher:
    """The model of that name on the device that there is, whichever of the two kinds it is.

    Args:
        name: anything `model.name_or_path` can be, the directory of a run, or a cross-encoder by its name.
        prompts: see `VectorTeacher`.
        wants_vectors: whether it has to embed texts.

    Raises:
        ModelError: it cannot be had, or is of the kind that does not serve here.
    """
    folder, device = model_folder(name), decide_device()
    precision = MixedPrecision(decide_precision(Precision.AUTO, device), device)
    if not is_cross_encoder(folder):
        model = load_model(folder).to(device)
        pack_if_alike(model)
        return VectorTeacher(model, prompts, precision)
    if wants_vectors or prompts:
        lacks = "embeds no text" if wants_vectors else "has no prompts"
        message = f"it is a cross-encoder, which scores two texts at once and {lacks}"
        hint = "Name a model that embeds texts." if wants_vectors else "Leave --prompts out."
        raise ModelError.of("cross-encoder", message, hint, Location(name))
    scorer = load_cross_encoder(folder)
    scorer.to(device)
    return PairTeacher(scorer, precision)

"""From examples (texts) to training rows (token ids for each view)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from embtune.catalog.spec import LabelKind
from embtune.data.examples import Examples
from embtune.data.token_cache import TokenCache
from embtune.data.tokens import Tokenised, TokenStore
from embtune.losses.objective import Request, View, frozen_model
from embtune.model.tokenizer import TextTokenizer
from embtune.train.rows import TextColumn, TrainingRows


@dataclass(frozen=True)
class RoleText:
    """How the texts of a role are written and read.

    prompt: put before each. max_length: tokens kept of both together; None cuts where the model does.
    tower: what embeds them; None is the tower that the objective asks for.
    """

    prompt: str = ""
    max_length: int | None = None
    tower: str | None = None


class TextReader(Protocol):
    """Whatever has a tokenizer: a tower, or a decoder with one of its own."""

    @property
    def tokenizer(self) -> TextTokenizer:
        """Makes the token ids."""

    @property
    def max_seq_length(self) -> int | None:
        """Where texts are cut, in tokens; None cuts nothing."""


Progress = Callable[[int], None]


def tokenise(
    examples: Examples,
    request: Request,
    readers: Mapping[str, TextReader],
    role_text: Callable[[str], RoleText],
    progress: Progress,
    cache: TokenCache | None = None,
) -> TrainingRows:
    """Tokenise every distinct text once for each (tokenizer, prompt, length) that the views of trained towers need.

    Args:
        readers: tower or decoder -> what tokenises for it.
        role_text: role -> how its texts are written. A decoder rebuilds them without their prompt.
        progress: called with the number of texts just done; those of a store that is filled later are not.
        cache: where stores are kept; None keeps none.
    """
    written = {view: role_text(view.role) for view in request.views if frozen_model(view.tower) is None}
    rebuilt = {view: replace(role_text(view.role), prompt="", tower=None) for view in request.targets}
    stores = _Stores(examples, readers, progress, cache or TokenCache())
    columns = stores.columns(written)
    targets = stores.columns(rebuilt)
    return TrainingRows(examples.name, columns, _labels(examples), len(examples), targets=targets, roles=examples.roles)


class _Stores:
    """The token stores of one dataset, shared by views whose texts are written and read alike."""

    def __init__(
        self, examples: Examples, readers: Mapping[str, TextReader], progress: Progress, cache: TokenCache
    ) -> None:
        self._examples = examples
        self._readers = readers
        self._progress = progress
        self._cache = cache
        self._made: dict[tuple[int, RoleText, frozenset[str]], tuple[TokenStore, np.ndarray]] = {}

    def columns(self, written: Mapping[View, RoleText]) -> dict[View, TextColumn]:
        """A column for each view."""
        alike: dict[tuple[int, RoleText], set[str]] = {}
        for view, text in written.items():
            alike.setdefault(self._key(view, text), set()).add(view.role)
        return {view: self._column(view, text, alike[self._key(view, text)]) for view, text in written.items()}

    def _key(self, view: View, text: RoleText) -> tuple[int, RoleText]:
        reader = self._readers[text.tower or view.tower]
        return id(reader.tokenizer), replace(text, max_length=text.max_length or reader.max_seq_length)

    def _column(self, view: View, text: RoleText, roles: set[str]) -> TextColumn:
        key = (*self._key(view, text), frozenset(roles))
        tokenizer = self._readers[text.tower or view.tower].tokenizer
        if key not in self._made:
            self._made[key] = _store(self._examples, sorted(roles), tokenizer, key[1], self._cache)
            store = self._made[key][0]
            self._progress(len(store) if store.is_whole else 0)
        store, place = self._made[key]
        ids = self._examples.text_ids[view.role]
        return TextColumn(store, np.where(ids >= 0, place[ids], -1), tokenizer.prompt_length(text.prompt), text.tower)


def _store(
    examples: Examples, roles: list[str], tokenizer: TextTokenizer, text: RoleText, cache: TokenCache
) -> tuple[TokenStore, np.ndarray]:
    """The token ids of all texts of these roles, and (distinct texts,) where each text's are."""
    used = np.unique(np.concatenate([examples.text_ids[role] for role in roles]))
    used = used[used >= 0]
    place = np.full(len(examples.texts) + 1, -1, dtype=np.int64)  # the last entry answers for id -1
    place[used] = np.arange(len(used))
    texts = [examples.texts[i] for i in used.tolist()]

    def tokenised(part: Sequence[str]) -> Tokenised:
        return Tokenised(*tokenizer.encode_flat([text.prompt + each for each in part], text.max_length))

    return cache.store(texts, tokenised, [tokenizer.fingerprint(), text.prompt, text.max_length]), place


def _labels(examples: Examples) -> Tensor | None:
    if examples.labels is None:
        return None
    dtype = torch.int64 if examples.label_kind is LabelKind.CLASS else torch.float32
    return torch.from_numpy(np.ascontiguousarray(examples.labels)).to(dtype)

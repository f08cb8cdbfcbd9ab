"""From examples (texts) to training rows (token ids for each view)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from embtune.catalog.spec import LabelKind
from embtune.data.examples import Examples
from embtune.data.tokens import TokenStore
from embtune.losses.objective import Request, View
from embtune.model.embedder import TextEmbedder
from embtune.train.rows import TextColumn, TrainingRows


@dataclass(frozen=True)
class RoleText:
    """The prompt put before a text, and the tokens kept of both together; None cuts where the model does."""

    prompt: str = ""
    max_length: int | None = None


Progress = Callable[[int], None]


def tokenise(
    examples: Examples,
    request: Request,
    towers: Mapping[str, TextEmbedder],
    role_text: Callable[[str], RoleText],
    progress: Progress,
) -> TrainingRows:
    """Tokenise every distinct text once for each (tower, prompt, length) that the views need.

    Args:
        role_text: role -> how its texts are written.
        progress: called with the number of texts just done.
    """
    stores: dict[tuple[str, RoleText], tuple[TokenStore, np.ndarray]] = {}
    columns: dict[View, TextColumn] = {}
    for view in request.views:
        key = (view.tower, role_text(view.role))
        if key not in stores:
            used = [other.role for other in request.views if (other.tower, role_text(other.role)) == key]
            stores[key] = _store(examples, used, towers[view.tower], key[1], progress)
        store, place = stores[key]
        ids = examples.text_ids[view.role]
        text_of_row = np.where(ids >= 0, place[ids], -1)
        columns[view] = TextColumn(store, text_of_row, _prompt_length(towers[view.tower], key[1]))
    return TrainingRows(examples.name, columns, _labels(examples), len(examples))


def _store(
    examples: Examples, roles: list[str], tower: TextEmbedder, role_text: RoleText, progress: Progress
) -> tuple[TokenStore, np.ndarray]:
    """The token ids of all texts of these roles, and (distinct texts,) where each text's are."""
    used = np.unique(np.concatenate([examples.text_ids[role] for role in roles]))
    used = used[used >= 0]
    place = np.full(len(examples.texts) + 1, -1, dtype=np.int64)  # the last entry answers for id -1
    place[used] = np.arange(len(used))
    texts = [role_text.prompt + examples.texts[i] for i in used.tolist()]
    length = role_text.max_length or tower.max_seq_length
    store = TokenStore.build(
        texts,
        lambda part: tower.tokenizer.encode(part, length),
        progress,
        max_length=length,
        count_tokens=tower.tokenizer.token_counts,
    )
    return store, place


def _prompt_length(tower: TextEmbedder, role_text: RoleText) -> int:
    return tower.tokenizer.prompt_length(role_text.prompt) if role_text.prompt else 0


def _labels(examples: Examples) -> Tensor | None:
    if examples.labels is None:
        return None
    dtype = torch.int64 if examples.label_kind is LabelKind.CLASS else torch.float32
    return torch.from_numpy(np.ascontiguousarray(examples.labels)).to(dtype)

"""Real objects for the evaluators' tests: datasets, and a model that maps each text to a vector of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer, SimilarityFunction
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from embtune.catalog.choices import Similarity
from embtune.catalog.spec import LabelKind
from embtune.data.examples import Examples

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Vectors:
    """Text -> vector. Calling it is encoding; `calls` are (role, texts)."""

    table: dict[str, Floats]
    calls: list[tuple[str | None, list[str]]]

    def __call__(self, texts: Sequence[str], role: str | None) -> Floats:
        self.calls.append((role, list(texts)))
        return np.stack([self.table[text] for text in texts])

    def sentence_transformer(self, similarity: Similarity = Similarity.COSINE) -> SentenceTransformer:
        """The same map as a model of the reference library: a static embedding with one word a text."""
        words = {text: number for number, text in enumerate(self.table)}
        tokenizer = Tokenizer(WordLevel(words | {"[UNK]": len(words)}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = Whitespace()
        weights = np.stack([*self.table.values(), np.zeros_like(next(iter(self.table.values())))])
        static = StaticEmbedding(tokenizer, embedding_weights=torch.from_numpy(weights))
        return SentenceTransformer(
            modules=[static], similarity_fn_name=SimilarityFunction(similarity.value), device="cpu"
        )


def random_vectors(texts: Sequence[str], seed: int, width: int = 12) -> Vectors:
    """A vector of normal values for each text."""
    values = np.random.default_rng(seed).normal(size=(len(texts), width)).astype(np.float32)
    return Vectors(dict(zip(texts, values, strict=True)), [])


def words(stem: str, count: int) -> list[str]:
    """`stem0`, `stem1` ... each one token."""
    return [f"{stem}{number}" for number in range(count)]


def examples(
    columns: Mapping[str, Sequence[str | None]],
    labels: Sequence[float] | None = None,
    label_kind: LabelKind = LabelKind.NONE,
    name: str = "dev",
) -> Examples:
    """A dataset from its columns; None is an absent text."""
    texts = list(dict.fromkeys(text for column in columns.values() for text in column if text is not None))
    number: dict[str | None, int] = {text: place for place, text in enumerate(texts)} | {None: -1}
    ids = {role: np.array([number[text] for text in column], dtype=np.int32) for role, column in columns.items()}
    numbers = None if labels is None else np.array(labels, dtype=np.float32)
    is_whole = label_kind in (LabelKind.BINARY, LabelKind.CLASS)
    values = numbers.astype(np.int64) if numbers is not None and is_whole else numbers
    return Examples(name, tuple(columns), texts, ids, values, label_kind)

"""Read a static model: a table of token vectors and the tokenizer that finds the rows."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from embtune.errors import Location, ModelError
from embtune.model.encoder import StaticEncoder, new_table
from embtune.model.tokenizer import TextTokenizer
from embtune.model.weights import read_tensors

TABLE = "embedding.weight"  # Sentence Transformers
MODEL2VEC_TABLE, MODEL2VEC_ROWS, MODEL2VEC_WEIGHTS = "embeddings", "mapping", "weights"


def read_static(folder: Path) -> tuple[StaticEncoder, TextTokenizer, int | None]:
    """The encoder, its tokenizer, and the length the tokenizer's file says texts are cut to (None: not).

    Raises:
        ModelError: a file is missing or broken, or there are fewer vectors than token ids.
    """
    tokenizer, limit = read_static_tokenizer(folder)
    vectors = _vectors(folder)
    if len(vectors) < tokenizer.vocabulary_size:
        message = f"{len(vectors)} token vectors for {tokenizer.vocabulary_size} token ids"
        raise ModelError.of("broken-model", message, None, Location(str(folder)))
    return StaticEncoder(new_table(vectors)), tokenizer, limit


def read_static_tokenizer(folder: Path) -> tuple[TextTokenizer, int | None]:
    """The tokenizer alone, and the length its file says texts are cut to (None: not).

    Raises:
        ModelError: it is missing or broken.
    """
    backend = _tokenizer(folder / "tokenizer.json")
    limit = backend.truncation["max_length"] if backend.truncation else None
    return TextTokenizer(backend, adds_special_tokens=False), limit


def _tokenizer(path: Path) -> Tokenizer:
    if not path.is_file():
        raise ModelError.of("no-tokenizer", f"there is no {path.name}", None, Location(str(path.parent)))
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        raise ModelError.of("broken-model", f"no tokenizer: {error}", None, Location(str(path))) from error


def _vectors(folder: Path) -> Tensor:
    """(ids, D) one vector a token id, with model2vec's row numbers and weights folded in."""
    tensors = read_tensors(folder)
    name = next((name for name in (TABLE, MODEL2VEC_TABLE) if name in tensors), None)
    if name is None or tensors[name].ndim != 2:
        message = f"no table of token vectors; the weights hold {', '.join(sorted(tensors)) or 'nothing'}"
        raise ModelError.of("broken-model", message, None, Location(str(folder)))
    vectors = tensors[name].to(torch.float32)
    if name == TABLE:
        return vectors
    try:
        return _folded(vectors, tensors.get(MODEL2VEC_ROWS), tensors.get(MODEL2VEC_WEIGHTS))
    except (IndexError, RuntimeError) as error:
        message = f"{MODEL2VEC_ROWS} or {MODEL2VEC_WEIGHTS} does not fit the table: {error}"
        raise ModelError.of("broken-model", message, None, Location(str(folder))) from error


def _folded(vectors: Tensor, rows: Tensor | None, weights: Tensor | None) -> Tensor:
    """One row a token id: vectors[rows[id]] * weights[id]."""
    by_id = vectors if rows is None else vectors[rows.long()]
    return by_id if weights is None else by_id * weights.to(torch.float32)[:, None]

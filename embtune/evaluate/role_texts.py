"""The texts of a role's rows, embedded once each and dealt back to the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embtune.data.examples import Examples
from embtune.evaluate.evaluator import Encode
from embtune.evaluate.scoring import Embeddings


def embed_role(encode: Encode, examples: Examples, role: str, rows: NDArray[np.bool_] | None = None) -> Embeddings:
    """(N, D) embeddings of the texts in `role`, a row each; with `rows` only of the rows marked.

    A text that several rows share is embedded once. Every row asked for must have a text in this role.
    """
    ids_N = examples.text_ids[role] if rows is None else examples.text_ids[role][rows]
    distinct, place_N = np.unique(ids_N, return_inverse=True)
    assert distinct.size == 0 or distinct[0] >= 0, f"a row lacks its {role}"
    return encode([examples.texts[i] for i in distinct.tolist()], role)[place_N]


def embed_pair(encode: Encode, examples: Examples) -> tuple[Embeddings, Embeddings]:
    """(N, D) embeddings of the first role and of the second, for data that is made of two texts a row."""
    left, right = examples.roles[:2]
    return embed_role(encode, examples, left), embed_role(encode, examples, right)

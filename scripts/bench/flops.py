"""Model FLOPs of training, for the share of a GPU's peak that a run reaches (MFU).

Counted are 6 for each weight of the encoder's linear maps and token, forward and backward, and the attention products.
Padding and a second forward pass count nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

# Dense bf16 peaks in FLOP/s, from the makers' data sheets.
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}


def peak_of(gpu: str | None) -> float | None:
    """The peak of a GPU by its name, None for one that is not in the table."""
    return next((peak for name, peak in PEAKS.items() if gpu and name in gpu), None)


def training_flops(model: Path, tokens: int, texts: int) -> float | None:
    """Of one pass over texts with so many real tokens in all; None for a model that is no transformer.

    Attention is counted at the mean length, an underestimate where lengths differ.
    """
    path = model / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if "num_hidden_layers" not in config:
        return None
    layers, width, inner = (int(config[key]) for key in ("num_hidden_layers", "hidden_size", "intermediate_size"))
    feed_forward = 3 if config.get("model_type") == "modernbert" else 2  # a gated one has three maps
    weights = layers * (4 * width * width + feed_forward * width * inner)
    attention = layers * 4 * width * (tokens / texts)
    return 3.0 * tokens * (2 * weights + attention)

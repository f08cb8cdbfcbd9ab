"""Peak memory of `embtune mine` on corpora of rising size: flat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mining_task import forget, mine, write_lines
from turns import markdown

from embtune.model.load import load_model
from embtune.model.save import save_model

_ANCHORS, _WORDS, _VOCABULARY = 1000, 60, 5000
_GROWTH = 0.1  # of the peak, from the smallest corpus to the largest


def measure_memory(folder: Path, sizes: Sequence[int]) -> int:
    """Mine made-up corpora with a small static model and print the peaks; 1 where they grow."""
    random = np.random.default_rng(0)
    words = np.array([f"w{number}" for number in range(_VOCABULARY)])

    def text() -> str:
        return " ".join(words[random.zipf(1.3, _WORDS) % _VOCABULARY])

    rows = [{"anchor": text(), "positive": text()} for _ in range(_ANCHORS)]
    data = write_lines(folder / "rows.jsonl", rows)
    model = folder / "model"
    texts = [word for row in rows for word in row.values()]
    save_model(load_model("scratch:static?width=384&vocab=5000", scratch_texts=lambda: texts), model)
    peaks, table = [], []
    for size in sizes:
        corpus = folder / "corpus.jsonl"
        with corpus.open("w", encoding="utf-8") as file:
            file.writelines(f'{{"text": "{text()}"}}\n' for _ in range(size))
        forget(folder / "cache")
        ran = mine(data, folder / "out.jsonl", str(model), folder / "cache", "--corpus", str(corpus))
        peaks.append(ran.peak_bytes)
        table.append(
            [f"{size:,}", f"{corpus.stat().st_size / 1e6:.0f}", f"{ran.peak_bytes / 1e6:.0f}", f"{ran.seconds:.0f}"]
        )
    print(markdown(["passages", "corpus, MB", "peak, MB", "seconds"], table))
    growth = peaks[-1] / peaks[0] - 1
    print(f"The peak grows by {growth:.1%} (goal: below {_GROWTH:.0%}).")
    return int(growth > _GROWTH)

"""What is trained on what: the workloads of the comparison, small ones for a CPU and the letters A to E for a GPU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class ModelKind(Enum):
    """The models of the comparison: MiniLM as published, shapes of others with random weights, a table of vectors."""

    MINILM = "minilm"
    BERT = "bert-base"
    MPNET = "mpnet-base"
    MODERNBERT = "modernbert-base"
    XLM_ROBERTA = "xlmr-base"
    STATIC = "static"


@dataclass(frozen=True)
class Rows:
    """Where pairs come from. file: below the data folder, with the two columns; or lengths to make texts of.

    lengths: of anchors and positives in tokens, each (shortest, longest), or "lognormal" for mean 60 and at most 512.
    """

    file: str = ""
    columns: tuple[str, str] = ("anchor", "positive")
    lengths: tuple[tuple[int, int], tuple[int, int]] | str = ""


@dataclass(frozen=True)
class Workload:
    """One training run that both tools do.

    max_length: tokens kept of a text; None keeps all, as their static models do.
    cached: Sentence Transformers needs its cached loss here, as its users would take it at such a batch.
    goal: how many times as long Sentence Transformers is to take; 0 where none is set.
    """

    name: str
    model: ModelKind
    rows: Rows
    batch_size: int
    max_length: int | None
    count: int
    cached: bool = False
    goal: float = 0.0
    learning_rate: float = 2e-5

    @property
    def steps(self) -> int:
        """Optimiser steps: whole batches, at least one."""
        return max(1, self.count // self.batch_size)

    def scaled(self, factor: float) -> Workload:
        """So many times the rows, in whole batches."""
        return replace(self, count=self.batch_size * max(1, round(self.steps * factor)))


_MEDQUAD = Rows("pairs/medquad_train.jsonl.gz")
_NLI = Rows("nli/wiki_nli_train.jsonl.gz", ("premise", "hypothesis"))
_TATOEBA = Rows("pairs/tatoeba_paraphrase_train.jsonl.gz")
_PARALLEL = Rows("parallel/tatoeba_en_de_train.jsonl.gz", ("english", "non_english"))

CPU = (
    Workload("medquad-64", ModelKind.MINILM, _MEDQUAD, 64, 512, 384, goal=4.0),
    Workload("medquad-512", ModelKind.MINILM, _MEDQUAD, 512, 512, 512, cached=True, goal=3.0),
    Workload("wiki-nli-64", ModelKind.MINILM, _NLI, 64, 256, 1280, goal=2.0),
    Workload("tatoeba-64", ModelKind.MINILM, _TATOEBA, 64, 128, 3840, goal=1.5),
    Workload("static-2048", ModelKind.STATIC, _PARALLEL, 2048, None, 2048 * 40, goal=5.0, learning_rate=1e-2),
)

_LENGTHS = {
    "A": Rows(lengths="lognormal"),
    "B": Rows(lengths=((12, 12), (80, 80))),
    "C": Rows(lengths=((10, 30), (10, 30))),
    "D": Rows(lengths=((128, 128), (128, 128))),
    "E": Rows(lengths=((512, 512), (512, 512))),
}
_ENCODERS = (ModelKind.MINILM, ModelKind.BERT, ModelKind.MPNET, ModelKind.MODERNBERT, ModelKind.XLM_ROBERTA)
_GPU_BATCHES = {"A": (1024, 8192, 65536), "B": (8192,), "C": (8192,), "D": (8192,), "E": (1024,)}


def _gpu_workloads() -> tuple[Workload, ...]:
    made = [
        Workload(f"{letter}-{model.value}-{batch}", model, rows, batch, 512, max(16384, 2 * batch), cached=True)
        for letter, rows in _LENGTHS.items()
        for model in _ENCODERS
        for batch in _GPU_BATCHES[letter]
        if batch < 65536 or model is ModelKind.MINILM
    ]
    static = Workload("static-65536", ModelKind.STATIC, _LENGTHS["A"], 65536, None, 65536 * 8, learning_rate=1e-2)
    return (*made, replace(CPU[-1], count=CPU[-1].batch_size * 80), static)


GPU = _gpu_workloads()

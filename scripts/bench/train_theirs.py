"""A training run of Sentence Transformers as its documentation writes one.

    python train_theirs.py TRIALS.json OUT.json

The rows are read in the order of the file, so that both tools train on the same batches; that order is drawn at random
before. Each trial's seconds by part and its padding are written to OUT.json.
"""

from __future__ import annotations

import time

STARTED = time.perf_counter()

import gc  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import torch  # noqa: E402
from datasets import Dataset, load_dataset  # noqa: E402
from sentence_transformers import (  # noqa: E402
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.sampler import DefaultBatchSampler  # noqa: E402
from sentence_transformers.sentence_transformer import losses  # noqa: E402
from task import Settings, Task, Trials  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.data import SequentialSampler  # noqa: E402


class Padding:
    """Token slots and real tokens that the model is given, in both passes of a cached loss; waits for no device."""

    def __init__(self, model: nn.Module) -> None:
        self.slots = 0
        self._real = torch.zeros((), dtype=torch.int64)
        model.register_forward_pre_hook(self._count)

    def _count(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        mask = inputs[0].get("attention_mask")
        if mask is not None:
            self.slots += mask.numel()
            self._real = self._real.to(mask.device) + mask.sum()

    @property
    def ratio(self) -> float | None:
        """Slots over real tokens; None for a model without padding."""
        return self.slots / int(self._real) if self.slots else None


def main() -> None:
    """Do the trials of the first argument's file, write what they took to the second's."""
    trials, target = Trials.read(Path(sys.argv[1])), Path(sys.argv[2])
    imported = time.perf_counter() - STARTED
    found = []
    for settings in trials.settings:
        found.append({"imports": imported, **trial(trials.task, settings)})
        gc.collect()
    target.write_text(json.dumps(found), encoding="utf-8")


def trial(task: Task, settings: Settings) -> dict[str, object]:
    """One training run. The seconds of its parts, padding, and CUDA memory where there is any."""
    started = time.perf_counter()
    model = SentenceTransformer(task.model)
    if task.max_length is not None:
        model.max_seq_length = task.max_length
    if task.dropout is not None:
        _set_dropout(model, task.dropout)
    rows = load_dataset("json", data_files=task.pairs, split="train", cache_dir=f"{task.output}.cache")
    loaded = time.perf_counter()
    padding = Padding(model)
    trainer = _trainer(task, settings, model, rows)
    trainer.train()
    trained = time.perf_counter()
    model.save_pretrained(task.output)
    saved = time.perf_counter()
    cuda = {"cuda_allocated": torch.cuda.max_memory_allocated()} if torch.cuda.is_available() else {}
    parts = {"load": loaded - started, "train": trained - loaded, "save": saved - trained}
    return {**parts, "padding": padding.ratio, "threads": torch.get_num_threads(), **cuda}


def _trainer(task: Task, settings: Settings, model: SentenceTransformer, rows: Dataset) -> SentenceTransformerTrainer:
    arguments = SentenceTransformerTrainingArguments(
        output_dir=f"{task.output}.trainer",
        max_steps=task.steps,
        per_device_train_batch_size=task.batch_size,
        learning_rate=task.learning_rate,
        lr_scheduler_type=task.schedule,
        warmup_steps=task.warmup,
        weight_decay=0.0,
        max_grad_norm=1.0,
        bf16=(settings.precision or task.precision) == "bf16",
        use_cpu=not torch.cuda.is_available(),
        dataloader_num_workers=settings.workers,
        batch_sampler=_in_order,
        save_strategy="no",
        report_to="none",
        logging_steps=10,
        disable_tqdm=True,
        seed=task.seed,
    )
    return SentenceTransformerTrainer(
        model=model, args=arguments, train_dataset=rows, loss=_loss(task, settings, model)
    )


def _loss(task: Task, settings: Settings, model: SentenceTransformer) -> nn.Module:
    if task.cached:
        size = settings.mini_batch_size
        return losses.CachedMultipleNegativesRankingLoss(model, scale=task.scale, mini_batch_size=size)
    return losses.MultipleNegativesRankingLoss(model, scale=task.scale)


def _in_order(dataset: Dataset, **settings: Any) -> DefaultBatchSampler:  # noqa: ANN401 - whatever theirs is given
    return DefaultBatchSampler(SequentialSampler(dataset), **settings)


def _set_dropout(model: nn.Module, rate: float) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate


if __name__ == "__main__":
    main()

"""Names from other tools, and what to write here. One table; it never offers a name of another meaning.

A row either names the key that means the same (`new`, and the line to write is printed), or has no such key and a
`note` says how embtune goes about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from embtune.config.scalars import write_yaml


@dataclass(frozen=True)
class Rename:
    """What one or more foreign names are called here.

    new: the key of the same meaning, dotted; empty where there is none.
    values: foreign value to ours. Where it is not empty, a value that is not in it is not carried over.
    template: the new value as YAML, with the old one for `{value}`.
    """

    old: tuple[str, ...]
    new: str = ""
    note: str = ""
    values: Mapping[object, object] = field(default_factory=dict)
    template: str = "{value}"

    def line(self, value: object) -> tuple[str, str] | None:
        """Section and `key: value` to write instead, or None where no line means the same."""
        if not self.new or (self.values and not self._known(value)) or isinstance(value, dict):
            return None
        section, _, key = self.new.rpartition(".")
        new = self.values[value] if self.values else value
        return section, f"{key}: " + self.template.format(value=write_yaml(new, flow=True))

    def _known(self, value: object) -> bool:
        return isinstance(value, str | bool) and value in self.values


def find_rename(key: str) -> Rename | None:
    """The row of a foreign name, hyphens and case aside."""
    return next((row for row in RENAMES if key.replace("-", "_").lower() in row.old), None)


def _same(new: str, *old: str, note: str = "") -> Rename:
    return Rename(old, new, note)


def _explained(note: str, *old: str) -> Rename:
    return Rename(old, note=note)


_PRECISIONS: Mapping[object, object] = {
    **{word: word for word in ("fp32", "bf16", "fp16", "auto")},
    **{"no": "fp32", "float32": "fp32", "bfloat16": "bf16", "float16": "fp16"},
}
_ONE_SET = "[{{path: {value}}}]"
_BATCH = (
    "there is no size per device: train.batch_size is the rows of one optimiser step over all devices, so write the "
    "product of size per device, devices and accumulation steps"
)
_MICRO = (
    "what is embedded at once is chosen to fit the memory and never changes the result; train.micro_batch_tokens "
    "limits it, in tokens, not rows"
)


def _rows() -> Iterator[Rename]:
    yield from _optimisation()
    yield from _model_and_data()
    yield from _losses()
    yield from _around()


def _optimisation() -> Iterator[Rename]:
    yield _same("train.learning_rate", "lr", "peak_lr", "max_lr", "init_lr")
    yield _same("train.num_train_epochs", "epochs", "num_epochs", "n_epochs", "max_epochs", "epoch", "num_train_epoch")
    yield _same("train.max_steps", "num_steps", "total_steps", "max_train_steps", "num_train_steps")
    yield _same("train.batch_size", "train_batch_size", "global_batch_size", "effective_batch_size")
    yield _explained(
        _BATCH, "per_device_train_batch_size", "per_device_batch_size", "per_gpu_train_batch_size", "local_batch_size"
    )
    yield _explained(
        "there is nothing to accumulate: train.batch_size is the whole optimiser step, whatever the memory; multiply "
        "it by this number",
        "gradient_accumulation_steps", "accumulate_grad_batches", "grad_accum_steps", "gradient_accumulation",
    )  # fmt: skip
    yield _explained(_MICRO, "micro_batch_size", "mini_batch_size", "chunk_size", "per_device_eval_batch_size",
                     "eval_batch_size")  # fmt: skip
    yield _same("train.micro_batch_tokens", "mini_batch_num_tokens", "max_tokens_per_batch")
    yield Rename(("grad_cache", "use_grad_cache"), "train.gradient_cache", values={True: "always", False: "auto"})
    yield _explained(
        "activations are recomputed where memory asks for it: train.gradient_cache, and auto is right",
        "gradient_checkpointing", "activation_checkpointing",
    )  # fmt: skip
    yield Rename(("bf16",), "train.precision", values={True: "bf16", "auto": "auto"})
    yield Rename(("fp16",), "train.precision", values={True: "fp16"})
    yield Rename(("fp32",), "train.precision", values={True: "fp32"})
    yield Rename(("mixed_precision", "dtype", "torch_dtype"), "train.precision", values=_PRECISIONS)
    yield _same("train.warmup_steps", "num_warmup_steps", "lr_warmup_steps")
    yield _same("train.warmup_ratio", "warmup_proportion", "warmup_fraction")
    yield _explained("write train.warmup_steps for a number of steps, train.warmup_ratio for a share", "warmup")
    yield Rename(
        ("lr_scheduler", "scheduler", "scheduler_type", "lr_schedule", "lr_scheduler_name"), "train.lr_scheduler_type",
        values={"linear": "linear", "cosine": "cosine", "constant": "constant", "constant_with_warmup": "constant",
                "warmuplinear": "linear", "WarmupLinear": "linear", "warmupconstant": "constant"},
    )  # fmt: skip
    yield Rename(
        ("optim", "optimizer_name", "optimizer_type"), "train.optimizer",
        values={"adamw": "adamw", "adamw_torch": "adamw", "adamw_torch_fused": "adamw", "AdamW": "adamw"},
    )  # fmt: skip
    yield _same("train.max_grad_norm", "clip_grad_norm", "gradient_clipping", "gradient_clip_val", "grad_clip",
                "max_norm")  # fmt: skip
    yield _same("train.compile", "torch_compile")
    yield _explained("the last, short batch is kept", "dataloader_drop_last", "drop_last")
    yield _explained(
        "texts are tokenised once, ahead of training; there are no loader workers to set",
        "dataloader_num_workers", "num_workers", "dataloader_prefetch_factor", "preprocessing_num_workers",
    )  # fmt: skip
    yield _same("seed", "random_seed", "random_state")


def _model_and_data() -> Iterator[Rename]:
    yield _same("model.name_or_path", "base_model", "model_name_or_path", "model_name", "model_id", "model_path",
                "pretrained_model_name_or_path", "backbone")  # fmt: skip
    yield _same("model.query_name_or_path", "query_model", "query_encoder", "query_model_name_or_path",
                "query_model_name")  # fmt: skip
    yield _same("model.max_seq_length", "cutoff_len", "max_length", "max_seq_len", "sequence_len", "model_max_length",
                "max_len", "seq_length")  # fmt: skip
    yield _same("model.pooling", "pooling_mode", "pooling_method", "sentence_pooling_method", "pooling_type")
    yield _same("model.normalize", "normalize_embeddings", "normlized", "normalized", "normalise")
    yield _same("model.revision", "model_revision")
    yield _same("model.lora.r", "lora_r", "lora_rank")
    yield _same("model.lora.alpha", "lora_alpha")
    yield _same("model.lora.dropout", "lora_dropout")
    yield _same("model.lora.target_modules", "lora_target_modules", "lora_target")
    yield Rename(("query_instruction", "query_instruction_for_retrieval", "query_prompt"), "model.prompts",
                 template="{{query: {value}}}")  # fmt: skip
    yield Rename(("passage_instruction", "passage_instruction_for_retrieval", "document_prompt"), "model.prompts",
                 template="{{document: {value}}}")  # fmt: skip
    yield Rename(("train_file", "train_data", "train_dataset", "train_path", "train_data_path", "dataset", "datasets",
                  "dataset_name", "dataset_path", "data_path", "data_files"),
                 "data.train", template=_ONE_SET)  # fmt: skip
    yield Rename(("eval_file", "eval_data", "eval_dataset", "validation_file", "val_file", "dev_file", "dev_data",
                  "val_data", "eval_path"), "data.eval", template=_ONE_SET)  # fmt: skip
    yield _explained(
        "a data set names its columns by 'columns:', role first, then column: {anchor: question, positive: answer}",
        "column_mapping", "column_map", "rename_columns", "text_column", "query_column", "label_column",
    )  # fmt: skip


def _losses() -> Iterator[Rename]:
    yield _same("loss.name", "loss_name", "loss_type", "loss_fn", "loss_function", "criterion")
    yield Rename(("matryoshka_dims", "mrl_dims", "nesting_list"), "modifiers",
                 template="[{{name: MatryoshkaLoss, dims: {value}}}]")  # fmt: skip
    yield _explained(
        "write 'modifiers: [{name: MatryoshkaLoss, dims: [...], weights: [...]}]'",
        "use_matryoshka", "matryoshka", "matryoshka_weights",
    )  # fmt: skip
    yield _explained("a loss that needs a guide takes it as its key 'guide'", "guide_model", "guide_model_name")
    yield _explained(
        "the loss always sees the whole batch over all devices",
        "gather_across_devices", "negatives_cross_device", "negatives_x_device",
    )  # fmt: skip


def _around() -> Iterator[Rename]:
    yield _same("eval.steps", "eval_steps", "evaluation_steps", "val_check_interval", "eval_interval")
    yield _same("eval.on_start", "eval_on_start")
    yield _explained(
        "eval.steps says when to evaluate: a number of steps, a share of training, or null for start and end alone",
        "eval_strategy", "evaluation_strategy", "do_eval",
    )  # fmt: skip
    yield _same(
        "checkpoint.steps", "save_steps", "checkpoint_steps", "save_interval", "save_every", "checkpoint_save_steps"
    )
    yield _explained(
        "checkpoint.steps says when to save: a number of steps, a share of training, or null for the end alone",
        "save_strategy", "do_save",
    )  # fmt: skip
    yield _same(
        "checkpoint.keep", "save_total_limit", "max_checkpoints", "keep_checkpoints", "checkpoint_save_total_limit"
    )
    yield _explained(
        "metrics are named <data set>/<metric> here, as dev/ndcg@10: write checkpoint.best_metric, or leave it at auto",
        "metric_for_best_model", "best_model_metric",
    )  # fmt: skip
    yield _explained(
        "a run ends with the best checkpoint by checkpoint.best_metric; null there takes the last one",
        "load_best_model_at_end", "save_best_model",
    )  # fmt: skip
    yield _explained("every metric is better when it is higher; there is nothing to set", "greater_is_better")
    yield _explained(
        "the same command continues a stopped run by itself: checkpoint.resume",
        "resume_from_checkpoint", "auto_resume_from_checkpoints", "resume_from",
    )  # fmt: skip
    yield _explained(
        "embtune never deletes a run; choose another output_dir", "overwrite_output_dir", "overwrite", "force"
    )
    yield _same("logging.steps", "logging_steps", "log_every", "log_steps", "log_interval")
    yield _explained("a run is named by its output_dir", "run_name", "experiment_name")
    yield _same("output_dir", "out_dir", "output_path", "save_path", "save_dir", "output", "output_folder")
    yield _same("hub.push", "push_to_hub")
    yield _same("hub.repo_id", "hub_model_id", "hub_repo_id", "push_to_hub_model_id")


RENAMES = tuple(_rows())

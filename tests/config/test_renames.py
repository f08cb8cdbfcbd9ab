"""Behaviour 6: names from other tools are errors that print the line to write instead."""

from __future__ import annotations

import pytest
from config_text import BASE, load, only_problem

from embtune.config.keys import sections
from embtune.config.renames import RENAMES, Rename, find_rename

KEYS = {f"{section.replace('[]', '')}.{key}".removeprefix(".") for section, keys in sections().items() for key in keys}


def test_no_foreign_name_is_in_two_rows_or_is_a_key_of_ours() -> None:
    names = [name for row in RENAMES for name in row.old]
    assert len(names) == len(set(names))
    assert not set(names) & {key.rpartition(".")[2] for key in KEYS}


@pytest.mark.parametrize("row", RENAMES, ids=lambda row: row.old[0])
def test_every_row_names_a_key_that_exists_or_explains(row: Rename) -> None:
    assert bool(row.new) is not bool(row.note)
    assert not row.new or row.new in KEYS | {"loss.name"}


# what is written, section and line that are printed, and what that line then means: (dotted key, value)
LINES = [
    ("lr: 2e-5", "'learning_rate: 2e-5' under 'train:'", "train.learning_rate", 2e-5),
    ("epochs: 3", "'num_train_epochs: 3' under 'train:'", "train.num_train_epochs", 3.0),
    ("train: {epochs: 3}", "'num_train_epochs: 3'", "train.num_train_epochs", 3.0),
    ("bf16: true", "'precision: bf16' under 'train:'", "train.precision", "bf16"),
    ("train: {fp16: true}", "'precision: fp16'", "train.precision", "fp16"),
    ("torch_dtype: bfloat16", "'precision: bf16' under 'train:'", "train.precision", "bf16"),
    ("cutoff_len: 128", "'max_seq_length: 128' under 'model:'", "model.max_seq_length", 128),
    ("train: {warmup_proportion: 0.2}", "'warmup_ratio: 0.2'", "train.warmup_ratio", 0.2),
    ("lr_scheduler: linear", "'lr_scheduler_type: linear' under 'train:'", "train.lr_scheduler_type", "linear"),
    ("scheduler: WarmupLinear", "'lr_scheduler_type: linear' under 'train:'", "train.lr_scheduler_type", "linear"),
    ("optim: adamw_torch", "'optimizer: adamw' under 'train:'", "train.optimizer", "adamw"),
    ("eval_steps: 0.2", "'steps: 0.2' under 'eval:'", "eval.steps", 0.2),
    ("save_steps: 50", "'steps: 50' under 'checkpoint:'", "checkpoint.steps", 50),
    ("save_total_limit: 3", "'keep: 3' under 'checkpoint:'", "checkpoint.keep", 3),
    ("logging_steps: 5", "'steps: 5' under 'logging:'", "logging.steps", 5),
    ("eval_file: d.csv", "'eval: [{path: d.csv}]' under 'data:'", "data.eval.0.name", "d"),
    ("matryoshka_dims: [8, 4]", "'modifiers: [{name: MatryoshkaLoss, dims: [8, 4]}]'",
     "modifiers.0.dims", [8, 4]),
    ("query_prompt: 'query: '", "'prompts: {query: 'query: '}' under 'model:'", "model.prompts.query", "query: "),
    ("grad_cache: true", "'gradient_cache: always' under 'train:'", "train.gradient_cache", "always"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "printed", "key", "value"), LINES)
def test_the_line_to_write_is_printed_and_means_what_was_meant(
    text: str, printed: str, key: str, value: object
) -> None:
    problem = only_problem(f"{BASE}{text}\n")
    assert (problem.code, problem.hint) == ("renamed-key", f"write {printed}")
    line = printed.rpartition(" under ")[0] or printed
    _, _, written = line[1:-1].partition(": ")
    override = f"{key.split('.')[0] if key.startswith('modifiers') else problem_target(problem.message)}={written}"
    assert next(found for dotted, found, _ in load(BASE, override).origins() if dotted == key) == value


def problem_target(message: str) -> str:
    """The key in `'lr' is called 'train.learning_rate' here`."""
    return message.removesuffix("' here").rpartition("'")[2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gradient_accumulation_steps: 4", "train.batch_size is the whole optimiser step"),
        ("per_device_train_batch_size: 8", "product of size per device, devices and accumulation"),
        ("train: {mini_batch_size: 8}", "in tokens, not rows"),
        ("load_best_model_at_end: true", "checkpoint.best_metric"),
        ("metric_for_best_model: eval_loss", "<data set>/<metric>"),
        ("overwrite_output_dir: true", "never deletes"),
        ("warmup: 100", "warmup_steps for a number of steps"),
    ],
)
def test_a_name_of_another_meaning_is_explained_and_never_renamed(text: str, words: str) -> None:
    problem = only_problem(f"{BASE}{text}\n")
    assert problem.code == "renamed-key"
    assert problem.hint is not None
    assert words in problem.hint
    assert "write '" not in problem.hint


@pytest.mark.parametrize("text", ["bf16: false", "scheduler: polynomial", "dtype: int8"])
def test_a_value_without_a_counterpart_is_not_carried_over(text: str) -> None:
    hint = only_problem(f"{BASE}{text}\n").hint
    assert hint is not None
    assert "write train." in hint


def test_scale_and_temperature_are_no_renames_of_each_other() -> None:
    assert find_rename("temperature") is None
    assert find_rename("scale") is None


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("train: {seed: 3}", "the top level"),
        ("batch_size: 3", "'data.train:' or 'train:'"),
        ("max_grad_norm: 1.0", "'train:'"),
        ("model: {learning_rate: 1e-4}", "'train:'"),
        ("report_to: [x]", "'logging:'"),
        ("train: {scale: 30}", "'loss:'"),
        ("on_bad_row: skip", "'data:'"),
        ("steps: 3", "'eval:' or 'checkpoint:' or 'logging:'"),
    ],
)
def test_a_key_of_another_section_is_told_where_it_belongs(text: str, section: str) -> None:
    base = BASE.replace("cosent", "{name: cosent}")
    base = base.replace("model: {name_or_path: m}\n", "") if text.startswith("model") else base
    text = text.replace("model: {", "model: {name_or_path: m, ")
    problem = only_problem(f"{base}{text}\n")
    assert (problem.code, problem.hint) == ("misplaced-key", f"it belongs under {section}")


@pytest.mark.parametrize("key", ["hub_token", "token", "api_key", "password", "hf_token", "wandb_api_key"])
def test_a_secret_is_no_key_and_is_not_shown(key: str) -> None:
    problem = only_problem(f"{BASE}hub: {{{key}: abc123}}\n")
    assert problem.code == "secret-key"
    assert "abc123" not in problem.render()
    assert "HF_TOKEN" in problem.render()

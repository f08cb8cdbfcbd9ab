"""The parts of `scripts/bench.py` that decide and tell: whose numbers are compared, and what the table says of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from equality import compare
from flops import peak_of, training_flops
from loss_cases import CASES, apart
from machine import INSTRUCTION_SETS, describe, instruction_set
from process import run
from results import Results
from summary import OURS, THEIRS, page
from sweep import Swept, sweep
from task import Settings, Task, Trials
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tools import config_of, forget
from turns import Spread, in_turns, markdown
from workloads import CPU, GPU, ModelKind, Rows, Workload

from embtune.config import load_config

TASK = Task("model", "pairs.jsonl", "out", 64, 128, 10, 2e-5)


def test_tools_take_turns() -> None:
    order: list[str] = []

    def measure(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = in_turns({"a": lambda: measure("a"), "b": lambda: measure("b")}, 2)
    assert order == ["a", "b", "a", "b"]
    assert found == {"a": [1.0, 3.0], "b": [2.0, 4.0]}


def test_a_spread_is_median_least_and_most() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert str(Spread.of([12.34])) == "12.3 (12.3 to 12.3)"


def test_a_table_has_a_line_a_row() -> None:
    assert markdown(["a", "b"], [[1, "x"]]) == "| a | b |\n| --- | --- |\n| 1 | x |"


def seconds_of(settings: Sequence[Settings]) -> list[float]:
    """A machine on which 128 is the best size, workers help and fp32 does not; the first of a call is slow."""
    found = [
        abs(one.mini_batch_size - 128) + (0 if one.workers else 5) + (9 if one.precision else 0) for one in settings
    ]
    return [1000.0, *map(float, found[1:])]


def test_a_sweep_finds_the_fastest_and_throws_the_first_away() -> None:
    found = sweep(seconds_of, cached=True, precision="bf16")
    assert found.best == Settings(mini_batch_size=128, workers=2)
    assert max(seconds for _, seconds in found.tried) < 1000
    assert Swept.of_list(json.loads(json.dumps(found.as_list()))) == found


def test_a_loss_without_mini_batches_has_no_size_to_choose() -> None:
    found = sweep(seconds_of, cached=False, precision="fp32")
    assert {one.mini_batch_size for one, _ in found.tried} == {Settings().mini_batch_size}
    assert {one.precision for one, _ in found.tried} == {None}


def test_a_task_is_read_as_it_was_written(tmp_path: Path) -> None:
    trials = Trials(TASK, (Settings(), Settings(64, 2, "fp32")))
    trials.write(tmp_path / "trials.json")
    assert Trials.read(tmp_path / "trials.json") == trials


@pytest.mark.parametrize("max_length", [128, None])
def test_the_config_of_a_task_is_one_that_embtune_takes(tmp_path: Path, max_length: int | None) -> None:
    task = Task("scratch:", "pairs.jsonl", "out", 64, max_length, 10, 2e-5, dropout=0.0, precision="bf16")
    (tmp_path / "pairs.jsonl").write_text('{"anchor": "a", "positive": "b"}\n', encoding="utf-8")
    (tmp_path / "config.yaml").write_text(json.dumps(config_of(task)), encoding="utf-8")
    config = load_config(tmp_path / "config.yaml").config
    assert (config.train.batch_size, config.train.max_steps, config.model.max_seq_length) == (64, 10, max_length)


def test_weights_that_differ_or_never_moved_are_not_equal() -> None:
    start, ours = {"a": torch.zeros(3)}, {"a": torch.ones(3)}
    assert compare(ours, {"a": torch.ones(3) + 5e-5}, start).equal
    assert not compare(ours, {"a": torch.ones(3) + 2e-4}, start).equal
    assert not compare(start, start, start).equal


def test_a_trained_tensor_that_only_one_tool_saved_is_an_error() -> None:
    start = {"a": torch.zeros(3), "b": torch.zeros(2)}
    alone = {"a": torch.ones(3)}
    assert compare(alone, start | alone, start).equal
    with pytest.raises(RuntimeError, match="only one of the tools saved b"):
        compare(alone, {"a": torch.ones(3), "b": torch.ones(2)}, start)


def test_flops_are_six_a_weight_and_token_and_attention(tmp_path: Path) -> None:
    config = {"num_hidden_layers": 2, "hidden_size": 8, "intermediate_size": 32}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    weights = 2 * (4 * 8 * 8 + 2 * 8 * 32)
    assert training_flops(tmp_path, tokens=100, texts=10) == 6 * weights * 100 + 3 * 100 * (2 * 4 * 8 * 10)
    assert training_flops(tmp_path / "nowhere", tokens=1, texts=1) is None
    assert peak_of("NVIDIA H100 80GB HBM3") == 989e12
    assert peak_of(None) is None


def test_results_stay_on_disk_and_are_found_again(tmp_path: Path) -> None:
    results = Results(tmp_path / "bench.json")
    results.put("sweeps", "w", [])
    results.add_run("w", OURS, 0, {"seconds": 1.0})
    again = Results(tmp_path / "bench.json")
    assert again.has_run("w", OURS, 0)
    assert not again.has_run("w", THEIRS, 0)
    assert again.content["sweeps"] == {"w": []}


def measured(workload: str, tool: str, seconds: float) -> dict[str, object]:
    parts = {"train": seconds - 1}
    return {"workload": workload, "tool": tool, "seconds": seconds, "peak_bytes": 2e9, "parts": parts, "padding": 1.5}


def test_the_page_tells_the_ratio_of_medians_and_what_is_known_so_far(tmp_path: Path) -> None:
    content = Results(tmp_path / "none.json").content
    content["workloads"] = {"w": {"pairs": 100, "batch": 10, "goal": 4.0, "tokens": 5000, "flops": None, "peak": None}}
    content["runs"] = [measured("w", OURS, s) for s in (2.0, 9.0, 2.0)] + [measured("w", THEIRS, 8.0)]
    content["runs"].append(measured("half done", OURS, 1.0))
    text = page(content)
    (line,) = (line for line in text.splitlines() if line.startswith("| w | 100"))
    assert "| 4.00 | 4.0 | 2500 | 625 | 50 | 12 |" in line
    assert "| half done | embtune | train 0.0 | 1.0 |" in text


def test_a_process_is_timed_and_its_memory_seen(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; held = bytearray(200_000_000); time.sleep(0.5); print('done')"]
    ran = run(command, {}, tmp_path / "log", tmp_path).checked()
    assert ran.seconds > 0.5
    assert ran.peak_bytes > 200_000_000
    assert ran.tail == "done"


def test_a_process_that_fails_says_how(tmp_path: Path) -> None:
    ran = run([sys.executable, "-c", "raise SystemExit('no luck')"], {}, tmp_path / "log", tmp_path)
    with pytest.raises(RuntimeError, match="code 1:\nno luck"):
        ran.checked()


def test_the_machine_is_told_with_versions() -> None:
    found = describe()
    assert found["torch"] == torch.__version__
    assert all(found.values())


def test_the_instruction_set_is_one_of_those_tried() -> None:
    assert instruction_set({"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}) in INSTRUCTION_SETS


def test_workloads_have_names_of_their_own_and_whole_batches() -> None:
    every = (*CPU, *GPU)
    assert all(len({one.name for one in listed}) == len(listed) for listed in (CPU, GPU))
    assert all(one.count % one.batch_size == 0 for one in every)
    assert {one.name[0] for one in GPU} >= set("ABCDE")
    assert CPU[0].scaled(0.01).steps == 1
    assert CPU[0].scaled(2).count == 2 * CPU[0].count


def test_made_texts_have_the_tokens_asked_for_and_are_not_alike(tmp_path: Path) -> None:
    from texts import count_tokens, write_pairs

    words = {f"word{'abcdefghij'[i]}{'abcdefghij'[j]}": 10 * i + j for i in range(10) for j in range(10)}
    tokenizer = Tokenizer(WordLevel(words, unk_token="wordaa"))
    tokenizer.pre_tokenizer = Whitespace()
    workload = Workload("w", ModelKind.BERT, Rows(lengths=((12, 12), (30, 30))), 4, 512, 8)
    write_pairs(workload, tmp_path, tokenizer, tmp_path / "pairs.jsonl")
    lines = (tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(set(lines)) == 8
    assert count_tokens(tmp_path / "pairs.jsonl", tokenizer, 512, special=False) == 8 * (10 + 28)
    assert count_tokens(tmp_path / "pairs.jsonl", tokenizer, 20, special=False) == 8 * (10 + 20)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_loss_stages_agree_on_a_small_batch(case) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    from loss_cases import inputs_of, ours, theirs

    small = case.sized(24)
    given = inputs_of(small)
    assert apart(ours(small, given, row_block=7)(), theirs(small, given, 8)()) < 1e-4


def test_tokens_are_forgotten_and_what_was_found_out_about_the_machine_is_not(tmp_path: Path) -> None:
    for name in ("cpu", "tokens"):
        (tmp_path / name).mkdir()
    (tmp_path / "scores.json").write_text("{}", encoding="utf-8")
    forget(tmp_path)
    forget(tmp_path / "nowhere")
    assert [entry.name for entry in tmp_path.iterdir()] == ["cpu"]

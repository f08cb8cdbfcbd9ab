"""`embtune train` as its users meet it: a process, a config, a directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from command import run_embtune
from small_run import write_config


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object], str]:
    """A run that went through: its folder, its result on stdout, what people saw."""
    folder = tmp_path_factory.mktemp("finished")
    done = run_embtune("train", write_config(folder), "--json", "--progress", "plain")
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout)
    return folder, result, done.stderr


Finished = tuple[Path, dict[str, object], str]


def test_the_run_directory_tells_everything(finished: Finished) -> None:
    run = finished[0] / "run"
    assert (run / "config.yaml").read_text() == (finished[0] / "config.yaml").read_text()
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["seed"] == 5
    assert {data["name"]: data["rows"] for data in record["data"]} == {"train": 60, "dev": 20}
    assert record["plan"]["steps"] == 24
    assert (run / "train.log").read_text().count("  evaluation  ") == 5


def test_metrics_log_has_an_event_a_line_with_the_promised_keys(finished: Finished) -> None:
    lines = (finished[0] / "run" / "metrics.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    steps = [event for event in events if event["event"] == "step"]
    assert [event["step"] for event in steps] == list(range(2, 25, 2))
    promised = {"event", "step", "epoch", "loss", "losses", "learning_rate", "grad_norm", "tokens"}
    assert promised | {"tokens_per_second", "seconds", "peak_memory_bytes", "counts", "padding"} == set(steps[0])
    evaluations = [event for event in events if event["event"] == "eval"]
    assert [event["step"] for event in evaluations] == [0, 6, 12, 18, 24]
    assert all("dev/ndcg@10" in event["metrics"] for event in evaluations)
    assert events[-1]["event"] == "end"


def test_the_result_holds_metrics_before_and_after(finished: Finished) -> None:
    result = finished[1]
    assert result["steps"] == 24
    assert isinstance(result["metrics_before"], dict)
    assert isinstance(result["metrics_after"], dict)
    assert result["metrics_after"]["dev/ndcg@10"] > result["metrics_before"]["dev/ndcg@10"]


def test_the_plan_stands_before_the_first_step(finished: Finished) -> None:
    seen = finished[2]
    assert seen.index("negatives per anchor") < seen.index("step  2/24")


def test_the_saved_model_gives_the_best_score_again(finished: Finished) -> None:
    folder, result, _ = finished
    done = run_embtune("evaluate", folder / "run", "--json")
    assert done.returncode == 0, done.stderr
    assert isinstance(result["metrics_after"], dict)
    again = json.loads(done.stdout)["metrics"]
    assert again == pytest.approx(result["metrics_after"], abs=1e-6)


def test_encode_turns_lines_into_vectors(finished: Finished) -> None:
    done = run_embtune("encode", finished[0] / "run", stdin="what are rivers\n\nbread\n")
    assert done.returncode == 0, done.stderr
    vectors = [json.loads(line) for line in done.stdout.splitlines()]
    assert [len(vector) for vector in vectors] == [32, 32, 32]


def test_the_same_command_again_has_nothing_left_to_do(finished: Finished) -> None:
    done = run_embtune("train", finished[0] / "config.yaml")
    assert done.returncode == 0
    assert done.stdout == f"{finished[0] / 'run' / 'model'}\n"
    assert "nothing is left to do" in done.stderr


def test_the_resolved_config_runs_to_the_same_loss_curve(finished: Finished, tmp_path: Path) -> None:
    resolved = finished[0] / "run" / "config.resolved.yaml"
    done = run_embtune("train", resolved, "--set", f"output_dir={tmp_path / 'again'}", "--quiet")
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "again") == losses(finished[0] / "run")


def losses(run: Path) -> list[tuple[object, object]]:
    """(step, loss) of each logged step."""
    events = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [(event["step"], event["loss"]) for event in events if event["event"] == "step"]


def test_a_directory_of_another_run_is_refused_naming_the_changed_keys(finished: Finished) -> None:
    done = run_embtune("train", finished[0] / "config.yaml", "--set", "train.batch_size=4", "--set", "seed=6")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "train.batch_size: 8 -> 4" in done.stderr
    assert "seed: 5 -> 6" in done.stderr


def test_other_data_under_the_same_name_is_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path, train={"max_steps": 2, "batch_size": 8})
    assert run_embtune("train", config, "--quiet").returncode == 0
    record = tmp_path / "run" / "run.json"
    record.write_text(record.read_text().replace('"status": "finished"', '"status": "stopped"'))
    with (tmp_path / "train.jsonl").open("a") as stream:
        stream.write('{"anchor": "one more", "positive": "row"}\n')
    done = run_embtune("train", config)
    assert done.returncode == 2
    assert "the content of train has changed" in done.stderr


def test_a_dry_run_plans_and_steps_and_writes_nothing(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    done = run_embtune("train", config, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "step 2: loss" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_dry_run_may_name_the_directory_of_another_run(finished: Finished) -> None:
    before = {path: path.stat().st_mtime_ns for path in (finished[0] / "run").rglob("*")}
    done = run_embtune("train", finished[0] / "config.yaml", "--dry-run", "--set", "train.batch_size=4")
    assert done.returncode == 0, done.stderr
    assert "warning: the run itself would be refused" in done.stderr
    assert "train.batch_size: 8 -> 4" in done.stderr
    assert "step 2: loss" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in (finished[0] / "run").rglob("*")} == before


def test_training_that_improves_nothing_is_said_to_and_the_start_is_kept(tmp_path: Path) -> None:
    config = write_config(tmp_path, train={"max_steps": 6, "batch_size": 8, "learning_rate": 5.0})
    done = run_embtune("train", config, "--json", "--progress", "plain")
    assert done.returncode == 0, done.stderr
    warning, weights, advice = done.stderr.splitlines()[-3:]
    assert warning.startswith("warning: Training did not improve dev/ndcg@10")
    assert f"{tmp_path}/run/checkpoints/step-000006" in weights
    assert "train.learning_rate: 0.5 (now 5)" in advice
    result = json.loads(done.stdout)
    assert (result["best_step"], result["improved"], len(result["advice"])) == (0, False, 3)
    assert result["metrics_after"] == result["metrics_before"] != result["metrics_last"]
    assert (tmp_path / "run" / result["last_weights"] / "weights.safetensors").is_file()
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert "**Training did not improve dev/ndcg@10" in card


def test_every_matryoshka_dim_is_evaluated(tmp_path: Path) -> None:
    modifiers = [{"name": "MatryoshkaLoss", "dims": [32, 16, 8]}]
    config = write_config(tmp_path, modifiers=modifiers, train={"max_steps": 2, "batch_size": 8})
    done = run_embtune("train", config, "--json")
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)["metrics_after"]
    assert {"dev/ndcg@10", "dev@16/ndcg@10", "dev@8/ndcg@10"} <= set(metrics)


def test_a_loss_that_cannot_use_the_data_is_located_and_names_those_that_can(tmp_path: Path) -> None:
    done = run_embtune("train", write_config(tmp_path, loss="CoSENTLoss"))
    assert done.returncode == 2
    assert "config.yaml:" in done.stderr
    assert "CoSENTLoss" in done.stderr
    assert "MultipleNegativesRankingLoss" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_metric_that_does_not_exist_is_found_before_training(tmp_path: Path) -> None:
    done = run_embtune("train", write_config(tmp_path, checkpoint={"best_metric": "dev/ndgc@10"}))
    assert done.returncode == 2
    assert "dev/ndcg@10" in done.stderr
    assert not (tmp_path / "run").exists()


def test_bad_rows_are_told_by_line_and_nothing_is_written(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    lines = (tmp_path / "train.jsonl").read_text().splitlines()
    lines[6] = '{"anchor": "q", "positive": null}'
    (tmp_path / "train.jsonl").write_text("\n".join(lines))
    done = run_embtune("train", config)
    assert done.returncode == 1
    assert "train.jsonl:7" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_model_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    config = write_config(tmp_path, model={"name_or_path": str(tmp_path / "empty")})
    done = run_embtune("train", config)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count(f"{config}:") == 1
    assert f"error[no-model]: {tmp_path / 'empty'}: is no model folder" in done.stderr


def test_a_diverging_run_stops_with_the_rows_and_saves_no_model(tmp_path: Path) -> None:
    config = write_config(tmp_path, train={"max_steps": 30, "batch_size": 8, "learning_rate": 1e30, "warmup_steps": 0})
    done = run_embtune("train", config)
    assert done.returncode == 1
    assert "not finite" in done.stderr
    assert "train.learning_rate" in done.stderr
    assert not (tmp_path / "run" / "model").exists()


def test_the_config_is_read_from_standard_input(tmp_path: Path) -> None:
    path = write_config(tmp_path, train={"max_steps": 1, "batch_size": 8})
    config = yaml.safe_load(path.read_text())
    config["data"]["train"][0]["path"] = str(tmp_path / "train.jsonl")
    config["data"]["eval"] = []
    done = run_embtune("train", "-", stdin=yaml.safe_dump(config))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("model")


def test_mistakes_in_all_data_sets_are_told_at_once_and_before_the_model(tmp_path: Path) -> None:
    config = write_config(
        tmp_path,
        model={"name_or_path": "no/such/model"},
        data={
            "train": [{"path": "train.jsonl", "columns": {"anchor": "anchor", "positive": "positve"}}],
            "eval": [{"path": "dev.jsonl", "columns": {"anchor": "ancor", "positive": "positive"}}],
        },
    )
    done = run_embtune("train", config)
    assert done.returncode == 2
    assert "'positve'" in done.stderr
    assert "'ancor'" in done.stderr
    assert "no/such/model" not in done.stderr


def test_an_output_dir_that_cannot_be_is_found_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    config = write_config(tmp_path, output_dir=str(tmp_path / "file" / "run"))
    done = run_embtune("train", config)
    assert done.returncode == 2
    assert "config.yaml:" in done.stderr
    assert "is a file" in done.stderr
    assert "reading data" not in done.stderr


def test_prompts_are_put_before_texts_in_training_and_evaluation_alike(tmp_path: Path) -> None:
    model = {"name_or_path": "scratch:static?width=32", "prompts": {"q": "query: ", "d": "doc: "}}
    data = {
        "train": [{"path": "train.jsonl", "prompts": {"anchor": "q", "positive": "d"}}],
        "eval": [{"path": "dev.jsonl"}],
    }
    config = write_config(tmp_path, model=model, data=data, train={"max_steps": 2, "batch_size": 8})
    assert run_embtune("train", config, "--quiet").returncode == 0
    saved = json.loads((tmp_path / "run" / "model" / "config_sentence_transformers.json").read_text())
    assert saved["prompts"] == {"q": "query: ", "d": "doc: "}
    with_prompts = json.loads(run_embtune("evaluate", tmp_path / "run", "--json").stdout)["metrics"]
    after = json.loads((tmp_path / "run" / "run.json").read_text())["result"]["metrics_after"]
    assert with_prompts == pytest.approx(after, abs=1e-6)

"""`guide: MODEL`: whole runs of GISTEmbed beside a small saved model that is asked and never trained."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from command import run_embtune
from killed_run import STEPS, Case, checkpoint_tensors, config_of, finish, killed
from small_run import TOPICS, small_config, write_pairs

from embtune.config import load_config
from embtune.errors import ConfigError, ModelError, RunDirectoryError
from embtune.losses.objective import View, guide_tower
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.pipeline.facts import plan_facts
from embtune.pipeline.job import prepare
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress_plain import PlainProgress, discard
from embtune.train.loop import train
from embtune.train.state import TrainState

QUIET = PlainProgress(discard)
TRANSFORMER, STATIC = "scratch:transformer?layers=2&width=32", "scratch:static?width=16"


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved transformer of width 24, with a tokenizer and a default prompt of its own."""
    folder = tmp_path_factory.mktemp("guide") / "model"
    texts = [*TOPICS, "what is known about number of tell me who knows 1 2 3 4 5 6 7 8 9 0"]
    model = load_model("scratch:transformer?layers=1&width=24&heads=2", scratch_texts=lambda: texts, seed=3)
    model.settings.prompts["ask"] = "who knows "
    model.settings.default_prompt_name = "ask"
    save_model(model, folder)
    return folder


def guided(folder: Path, guide: Path | str, name: str = "GISTEmbedLoss", **changes: object) -> Path:
    """A config for pairs with a guide and no evaluation."""
    defaults: dict[str, object] = {
        "model": {"name_or_path": TRANSFORMER, "dropout": 0.0},
        "data": {"train": [{"path": "train.jsonl"}]},
        "train": {"max_steps": 30, "batch_size": 16, "learning_rate": 0.003},
        "eval": {"on_start": False},
        "checkpoint": {"steps": 30},
        "loss": {"name": name, "guide": str(guide), "temperature": 0.1, "margin": 0.01},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(small_config(folder, **(defaults | changes))), encoding="utf-8")
    return path


def losses_of(run: Path) -> list[float]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [event["loss"] for event in map(json.loads, lines) if event["event"] == "step"]


def test_the_command_trains_tells_of_the_guide_and_embeds_once(
    guide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("EMBTUNE_CACHE", str(cache))
    config = guided(tmp_path, guide, "CachedGISTEmbedLoss")
    done = run_embtune("train", config)
    assert done.returncode == 0, done.stderr
    assert f"embedding train with the guide {guide}" in done.stderr
    losses = losses_of(tmp_path / "run")
    assert losses[-1] < 0.7 * losses[0]
    plan = json.loads((tmp_path / "run" / "run.json").read_text())["plan"]
    assert plan["guide"] == [{"model": str(guide), "texts": 120, "dims": 24}]
    (vectors,) = cache.rglob("vectors.bin")
    written = vectors.stat().st_mtime_ns
    again = load_config(config, [f"output_dir={tmp_path / 'again'}"])
    assert run_training(again, TrainRequest(cache=cache), QUIET) is not None
    assert [path.stat().st_mtime_ns for path in cache.rglob("vectors.bin")] == [written]
    assert losses_of(tmp_path / "again") == losses


def test_a_static_model_learns_from_a_transformer(guide: Path, tmp_path: Path) -> None:
    section = {"max_steps": 30, "batch_size": 16, "learning_rate": 0.1}
    config = guided(tmp_path, guide, model={"name_or_path": STATIC}, train=section)
    assert run_training(load_config(config), TrainRequest(), QUIET) is not None
    losses = losses_of(tmp_path / "run")
    assert losses[-1] < 0.7 * losses[0]


def test_the_guide_reads_raw_texts_under_its_own_prompt(guide: Path, tmp_path: Path) -> None:
    data = {"train": [{"path": "train.jsonl", "prompts": {"anchor": "query"}}]}
    model = {"name_or_path": TRANSFORMER, "prompts": {"query": "find: "}, "max_seq_length": 4}
    job = prepare(load_config(guided(tmp_path, guide, data=data, model=model)), QUIET)
    rows = job.training.tasks[0].rows
    pairs = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    for role in ("anchor", "positive"):
        found = rows.frozen[View(role, guide_tower(str(guide)))].embeddings(np.arange(rows.size))
        wanted = encode_texts(load_model(str(guide)), [f"who knows {pair[role]}" for pair in pairs], "")
        np.testing.assert_allclose(found.numpy(), wanted, atol=1e-6)
    assert set(rows.columns) == {View("anchor"), View("positive")}
    assert "guide" in [fact.label for fact in plan_facts(job)]


def test_the_guide_reads_each_role_under_the_prompt_that_the_loss_names(guide: Path, tmp_path: Path) -> None:
    loss = {"name": "gist", "guide": str(guide), "guide_prompts": {"query": "ask", "document": "tell me of "}}
    rows = prepare(load_config(guided(tmp_path, guide, loss=loss)), QUIET).training.tasks[0].rows
    pairs = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    for role, before in (("anchor", "who knows "), ("positive", "tell me of ")):
        found = rows.frozen[View(role, guide_tower(str(guide)))].embeddings(np.arange(rows.size))
        wanted = encode_texts(load_model(str(guide)), [before + pair[role] for pair in pairs], "")
        np.testing.assert_allclose(found.numpy(), wanted, atol=1e-6)


def test_prompts_that_cannot_be_are_refused(guide: Path, tmp_path: Path) -> None:
    gist: dict[str, object] = {"name": "gist", "guide": str(guide)}
    other = gist | {"guide_prompts": {"anchor": "who "}}
    with pytest.raises(ConfigError, match="under another prompt"):
        prepare(load_config(guided(tmp_path, guide, loss=[gist, other])), QUIET)
    with pytest.raises(ConfigError, match="question is no role of a text"):
        load_config(guided(tmp_path, guide, loss=gist | {"guide_prompts": {"question": "who "}}))
    with pytest.raises(ConfigError, match="no teacher is named"):
        load_config(guided(tmp_path, guide, loss={"name": "MSELoss", "teacher_prompts": {"anchor": "who "}}))


def test_guide_and_model_are_never_in_memory_together(guide: Path, tmp_path: Path) -> None:
    alive: dict[str, int] = {}

    def count(line: str) -> None:
        alive[line.partition("  ")[0]] = sum(type(each) is TextEmbedder for each in gc.get_objects())

    gc.collect()
    before = sum(type(each) is TextEmbedder for each in gc.get_objects())
    job = prepare(load_config(guided(tmp_path, guide)), PlainProgress(count))
    assert list(alive)[1:6] == [
        f"reading the guide {guide}",
        "checking the losses against the model",
        f"loading the guide {guide}",
        f"embedding train with the guide {guide}",
        "loading the model",
    ]
    assert [alive[stage] - before for stage in list(alive)[1:6]] == [1, 1, 1, 1, 1]
    assert job.training.towers.keys() == {"model"}


def test_a_wrong_modifier_is_told_at_its_place_before_anything_is_embedded(guide: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    modifiers: list[dict[str, object]] = [{"name": "AdaptiveLayerLoss"}, {"name": "MatryoshkaLoss", "dims": [64]}]
    config = guided(tmp_path, guide, modifiers=modifiers)
    with pytest.raises(ConfigError, match="64") as caught:
        prepare(load_config(config), PlainProgress(lines.append))
    assert not any("embedding" in line for line in lines)
    location = caught.value.problems[0].location
    assert location is not None
    assert location.line is not None
    assert config.read_text().splitlines()[location.line - 1] == "- dims:"  # of the second


def test_a_dry_run_reads_the_guide_and_embeds_nothing(guide: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    request = TrainRequest(dry_run=True, cache=tmp_path / "cache")
    assert run_training(load_config(guided(tmp_path, guide)), request, PlainProgress(lines.append)) is None
    assert not any("embedding" in line for line in lines)
    assert any(line.startswith("step 2: loss ") and "nan" not in line for line in lines)
    assert f"the guide {guide} embedded nothing: random vectors stood in, also in the losses" in lines
    assert any("24 dims, 120 texts" in line for line in lines)
    assert not (tmp_path / "cache").exists()


def test_kept_and_recomputed_steps_give_the_same_weights(guide: Path, tmp_path: Path) -> None:
    def weights(loss: str, cache: str) -> dict[str, torch.Tensor]:
        section = {"max_steps": 4, "batch_size": 16, "learning_rate": 2e-5, "micro_batch_tokens": 64}
        model = {"name_or_path": TRANSFORMER, "dropout": 0.1}
        config = guided(tmp_path, guide, loss, model=model, train=section | {"gradient_cache": cache})
        job = prepare(load_config(config), QUIET)
        assert all((report.recomputed > 0) is (cache != "never") for report in train(job.training, TrainState()))
        return {name: parameter.detach().clone() for name, parameter in job.training.trainables.trainable()}

    kept, recomputed = weights("GISTEmbedLoss", "never"), weights("CachedGISTEmbedLoss", "auto")
    assert max(float((kept[name] - recomputed[name]).abs().max()) for name in kept) <= 1e-6


def test_a_killed_run_goes_on_bit_for_bit_without_any_cache(guide: Path, tmp_path: Path) -> None:
    def config(folder: Path) -> Path:
        path = config_of(Case("text", "placeholder"), folder)
        write_pairs(folder / "rows.jsonl")
        path.write_text(path.read_text().replace("loss: placeholder", f"loss: {{name: gist, guide: '{guide}'}}"))
        return path

    undisturbed, other = tmp_path / "undisturbed", tmp_path / "killed"
    finish(config(undisturbed))
    killed(config(other), at_step=STEPS - 3)
    finish(config(other))
    wanted, found = checkpoint_tensors(undisturbed / "run"), checkpoint_tensors(other / "run")
    assert all((wanted[name] == found[name]).all() for name in wanted)


def test_a_run_does_not_go_on_with_another_guide(guide: Path, tmp_path: Path) -> None:
    own = tmp_path / "guide"
    shutil.copytree(guide, own)
    config = guided(tmp_path, own, train={"max_steps": 2, "batch_size": 16})
    assert run_training(load_config(config), TrainRequest(), QUIET) is not None
    record = tmp_path / "run" / "run.json"  # as a stopped run leaves it
    record.write_text(record.read_text().replace('"finished"', '"stopped"'))
    assert run_training(load_config(config), TrainRequest(), QUIET) is not None
    record.write_text(record.read_text().replace('"finished"', '"stopped"'))
    texts = [*TOPICS, "what is known about number of tell me who knows 1 2 3 4 5 6 7 8 9 0"]
    save_model(load_model("scratch:transformer?layers=1&width=24&heads=2", scratch_texts=lambda: texts, seed=4), own)
    with pytest.raises(RunDirectoryError, match=f"what {own} embeds has changed"):
        run_training(load_config(config), TrainRequest(), QUIET)


def test_ragged_negatives_modifiers_and_another_loss_go_together(guide: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in write_pairs(tmp_path / "train.jsonl").read_text().splitlines()]
    for number, row in enumerate(rows):
        row["negatives"] = [rows[(number + k) % len(rows)]["positive"] for k in range(1, 2 + number % 3)]
    (tmp_path / "tuples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = guided(
        tmp_path,
        guide,
        data={"train": [{"path": "tuples.jsonl"}]},
        loss=[{"name": "gist", "guide": str(guide), "scale": 10}, {"name": "mnrl", "weight": 0.1}],
        modifiers=[{"name": "MatryoshkaLoss", "dims": [32, 8]}, {"name": "AdaptiveLayerLoss"}],
    )
    assert run_training(load_config(config), TrainRequest(), QUIET) is not None
    losses = losses_of(tmp_path / "run")
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("loss", "message"),
    [("GISTEmbedLoss", "guide"), ({"name": "gist", "guide": "scratch:static"}, "has learnt nothing")],
)
def test_a_guide_that_is_missing_or_knows_nothing_is_refused_with_the_config(
    loss: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(guided(tmp_path, "", loss=loss))
    (problem,) = caught.value.problems
    assert "guide" in problem.message
    assert problem.location is not None
    assert problem.location.line is not None


@pytest.mark.parametrize("written", [lambda loss: loss, lambda loss: ["mnrl", loss]], ids=["alone", "in a list"])
def test_a_guide_that_cannot_be_had_is_located_where_it_is_named(
    written: Callable[[object], object], tmp_path: Path
) -> None:
    config = guided(tmp_path, "", loss=written({"name": "gist", "guide": "./nowhere"}))
    with pytest.raises(ModelError, match="nowhere") as caught:
        prepare(load_config(config), QUIET)
    location = caught.value.problems[0].location
    assert location is not None
    assert location.line is not None
    assert "./nowhere" in config.read_text().splitlines()[location.line - 1]

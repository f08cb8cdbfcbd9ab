"""`teacher: MODEL`: runs on data without labels, taught by a small saved model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from killed_run import Case, checkpoint_tensors, config_of, finish, killed
from small_run import TOPICS, small_config, write_pairs

from embtune.catalog.spec import LabelKind
from embtune.cli.cache import cache_folder
from embtune.config import load_config
from embtune.errors import ConfigError, ModelError
from embtune.losses.objective import View, guide_tower
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.pipeline.check_format import check_config
from embtune.pipeline.data_report import DataReport
from embtune.pipeline.job import prepare
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress import Several
from embtune.report.progress_plain import PlainProgress, discard

QUIET = PlainProgress(discard)
PASSAGES = pytest.mark.parametrize("loss", ["MarginMSELoss", "DistillKLDivLoss"])


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model of width 16 that knows the words of the made-up data."""
    texts = [*TOPICS, "what is known about number of tell me who knows where are how old 1 2 3 4 5 6 7 8 9 0"]
    folder = tmp_path_factory.mktemp("teacher") / "model"
    save_model(load_model("scratch:static?width=16", scratch_texts=lambda: texts, seed=3), folder)
    return folder


def taught(folder: Path, loss: dict[str, object], **changes: object) -> Path:
    """A config for pairs with this loss, a static student of width 16 and no evaluation."""
    defaults: dict[str, object] = {
        "model": {"name_or_path": "scratch:static?width=16"},
        "data": {"train": [{"path": "train.jsonl"}]},
        "train": {"max_steps": 60, "batch_size": 16, "learning_rate": 0.3},
        "eval": {"on_start": False},
        "checkpoint": {"steps": 60},
        "loss": loss,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(small_config(folder, **(defaults | changes))), encoding="utf-8")
    return path


def write_tuples(folder: Path) -> None:
    """The pairs with one to three negatives a row, as a list."""
    rows = [json.loads(line) for line in write_pairs(folder / "train.jsonl").read_text().splitlines()]
    answers = [row["positive"] for row in rows]
    for number, row in enumerate(rows):
        row["negatives"] = [answers[(number + k) % len(rows)] for k in range(1, 2 + number % 3)]
    (folder / "tuples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def losses_of(folder: Path, run: str = "run") -> list[float]:
    lines = (folder / run / "metrics.jsonl").read_text().splitlines()
    return [event["loss"] for event in map(json.loads, lines) if event["event"] == "step"]


@pytest.mark.parametrize("loss", ["MSELoss", "EmbedDistillLoss"])
def test_a_student_learns_to_embed_both_texts_as_the_teacher_embeds_the_first(
    loss: str, teacher: Path, tmp_path: Path
) -> None:
    config = taught(tmp_path, {"name": loss, "teacher": str(teacher)})
    job = prepare(load_config(config), QUIET)
    rows = job.training.tasks[0].rows
    target = rows.frozen[View("anchor", guide_tower(str(teacher)))].embeddings(np.arange(rows.size))
    pairs = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    wanted = encode_texts(load_model(str(teacher)), [pair["anchor"] for pair in pairs])
    np.testing.assert_allclose(target.numpy(), wanted, atol=1e-6)

    def apart(model: str) -> float:
        """Mean distance of the positives from the teacher's embedding of their anchors."""
        found = encode_texts(load_model(model), [pair["positive"] for pair in pairs])
        found, goal = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (found, wanted))
        return float(1 - (found * goal).sum(axis=1).mean())

    assert run_training(load_config(config), TrainRequest(), QUIET) is not None
    assert apart(str(tmp_path / "run" / "model")) < 0.5 * apart(str(teacher))  # it knows the positives as other texts


@PASSAGES
def test_a_student_learns_the_teachers_ranking_of_ragged_negatives(loss: str, teacher: Path, tmp_path: Path) -> None:
    write_tuples(tmp_path)
    data = {"train": [{"path": "tuples.jsonl"}]}
    config = taught(tmp_path, {"name": loss, "teacher": str(teacher)}, data=data)
    assert run_training(load_config(config), TrainRequest(), QUIET) is not None
    losses = losses_of(tmp_path)
    assert losses[-1] < 0.5 * losses[0]


def test_a_teacher_of_another_width_needs_a_projection(teacher: Path, tmp_path: Path) -> None:
    narrow: dict[str, object] = {"model": {"name_or_path": "scratch:static?width=8"}}
    loss: dict[str, object] = {"name": "MSELoss", "teacher": str(teacher)}
    lines: list[str] = []
    under: dict[str, object] = {"modifiers": [{"name": "MatryoshkaLoss", "dims": [8, 4]}]}
    config = taught(tmp_path, loss, **narrow, **under)
    with pytest.raises(ConfigError, match="are 16 wide, the model's are 8") as caught:
        prepare(load_config(config), PlainProgress(lines.append))
    assert not any("embedding" in line for line in lines)
    location = caught.value.problems[0].location
    assert location is not None
    assert location.line is not None
    assert config.read_text().splitlines()[location.line - 1].startswith(("loss:", "  name: MSELoss"))
    job = prepare(load_config(taught(tmp_path, loss | {"projection_dim": 16}, **narrow)), QUIET)
    assert any("projection" in name for name, _ in job.training.trainables.trainable())


def test_teacher_embeddings_of_another_width_in_the_data_are_refused_before_training(tmp_path: Path) -> None:
    rows = [{"text": f"text {i}", "embedding": [1.0, 0.5, float(i)]} for i in range(20)]
    (tmp_path / "vectors.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = {"train": [{"path": "vectors.jsonl"}]}
    config = load_config(taught(tmp_path, {"name": "EmbedDistillLoss"}, data=data))
    with pytest.raises(ConfigError, match="of the data are 3 wide, the model's are 16"):
        prepare(config, QUIET)


@pytest.mark.parametrize(
    ("loss", "extra", "kind"),
    [
        ("MarginMSELoss", 0, LabelKind.MARGIN),
        ("MarginMSELoss", 1, LabelKind.SCORES),
        ("DistillKLDivLoss", 1, LabelKind.SCORES),
    ],
)
def test_labels_of_listed_negatives_are_read_by_their_length(
    loss: str, extra: int, kind: LabelKind, tmp_path: Path
) -> None:
    write_tuples(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "tuples.jsonl").read_text().splitlines()]
    scored = [row | {"scores": [3.0] * extra + [1.0] * len(row["negatives"])} for row in rows]
    (tmp_path / "scored.jsonl").write_text("".join(json.dumps(row) + "\n" for row in scored))
    config = load_config(taught(tmp_path, {"name": loss}, data={"train": [{"path": "scored.jsonl"}]}))
    assert prepare(config, QUIET).inputs.train_sets[0].layout.label is kind
    assert run_training(config, TrainRequest(), QUIET) is not None
    assert losses_of(tmp_path)[-1] < losses_of(tmp_path)[0]


def test_a_projection_goes_on_bit_for_bit_after_a_kill(teacher: Path, tmp_path: Path) -> None:
    case = Case("text", {"name": "EmbedDistillLoss", "teacher": str(teacher), "projection_dim": 16})
    undisturbed, other = tmp_path / "undisturbed", tmp_path / "killed"
    finish(config_of(case, undisturbed))
    killed(config_of(case, other), at_step=7)
    finish(config_of(case, other))
    wanted, found = checkpoint_tensors(undisturbed / "run"), checkpoint_tensors(other / "run")
    assert any("projection" in name for name in wanted)
    assert all((wanted[name] == found[name]).all() for name in wanted)


def test_a_taught_loss_and_another_share_a_dataset(teacher: Path, tmp_path: Path) -> None:
    config = taught(tmp_path, {})
    text = yaml.safe_load(config.read_text())
    text["loss"] = ["MultipleNegativesRankingLoss", {"name": "MSELoss", "teacher": str(teacher), "weight": 10}]
    text["modifiers"] = [{"name": "MatryoshkaLoss", "dims": [16, 4]}]
    config.write_text(yaml.safe_dump(text))
    assert run_training(load_config(config), TrainRequest(), QUIET) is not None
    assert losses_of(tmp_path)[-1] < losses_of(tmp_path)[0]


def test_without_teacher_and_label_the_message_names_both_ways(tmp_path: Path) -> None:
    write_tuples(tmp_path)
    tuples = load_config(taught(tmp_path, {"name": "MarginMSELoss"}, data={"train": [{"path": "tuples.jsonl"}]}))
    with pytest.raises(ConfigError, match="a margin for each negative with these texts, or teacher: MODEL"):
        prepare(tuples, QUIET)
    pairs = load_config(taught(tmp_path, {"name": "MSELoss"}))
    with pytest.raises(ConfigError, match="with teacher: MODEL also plain texts or several texts or pairs"):
        prepare(pairs, QUIET)


def test_a_label_beside_a_teacher_is_left_out_or_refused_where_it_is_declared(teacher: Path, tmp_path: Path) -> None:
    rows = [{"anchor": f"a {i}", "positive": f"b {i}", "negative": f"c {i}", "scores": [2.0, 1.0]} for i in range(20)]
    (tmp_path / "scored.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    loss: dict[str, object] = {"name": "MarginMSELoss", "teacher": str(teacher)}
    detected = prepare(load_config(taught(tmp_path, loss, data={"train": [{"path": "scored.jsonl"}]})), QUIET)
    assert detected.inputs.train_sets[0].layout.label is LabelKind.NONE
    columns = {"anchor": "anchor", "positive": "positive", "negative": "negative", "label": "scores"}
    declared = taught(tmp_path, loss, data={"train": [{"path": "scored.jsonl", "columns": columns}]})
    with pytest.raises(ConfigError, match="needs no label with these texts") as caught:
        prepare(load_config(declared), QUIET)
    assert "remove `teacher`" in str(caught.value.problems[0].hint)


def test_a_teacher_that_is_not_there_is_located_at_the_loss(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        prepare(load_config(taught(tmp_path, {"name": "MSELoss", "teacher": "./nowhere"})), QUIET)
    location = caught.value.problems[0].location
    assert location is not None
    assert location.path.endswith("config.yaml")


def test_check_format_knows_of_the_teacher(teacher: Path, tmp_path: Path) -> None:
    with_teacher = taught(tmp_path, {"name": "MSELoss", "teacher": str(teacher)})
    (report,) = check_config(str(with_teacher), (), {}, Several())
    assert isinstance(report, DataReport)
    assert report.ok
    (report,) = check_config(str(taught(tmp_path, {"name": "MSELoss"})), (), {}, Several())
    assert not report.ok


def test_a_teachers_vectors_are_kept_between_runs_but_a_dry_run_writes_nothing(teacher: Path, tmp_path: Path) -> None:
    config, cache = taught(tmp_path, {"name": "MSELoss", "teacher": str(teacher)}), tmp_path / "cache"
    assert run_training(load_config(config), TrainRequest(dry_run=True, cache=cache), QUIET) is None
    assert not cache.exists()
    for run in ("run", "again"):
        loaded = load_config(config, [f"output_dir={tmp_path / run}"])
        assert run_training(loaded, TrainRequest(cache=cache), QUIET) is not None
    assert len(list(cache.rglob("vectors.bin"))) == 1
    assert losses_of(tmp_path) == losses_of(tmp_path, "again")


def test_the_cache_is_the_users(tmp_path: Path) -> None:
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "embtune"
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path), "EMBTUNE_CACHE": str(tmp_path / "own")}) == tmp_path / "own"
    assert cache_folder({}) == Path.home() / ".cache" / "embtune"

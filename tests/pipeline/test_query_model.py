"""Runs with a model of its own for queries: trained, resumed, saved, evaluated and encoded with, or refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from killed_run import STEPS, checkpoint_tensors, finish, killed
from sentence_transformers import SentenceTransformer
from small_run import write_config

from embtune.config import load_config
from embtune.errors import ConfigError, ModelError
from embtune.evaluate.ranking_measures import Judged, ndcg
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.pipeline.encode_job import encode_lines
from embtune.pipeline.evaluate_job import run_evaluation
from embtune.pipeline.job import prepare
from embtune.report.progress import Several

DOCUMENTS, QUERIES = "scratch:transformer?layers=2&width=32", "scratch:static?width=32"
TEXTS = ["what is known about bees", "tides number 3", ""]


def config_of(folder: Path, queries: str | None = QUERIES, documents: str = DOCUMENTS, **changes: object) -> Path:
    """A config of ten steps with two models; `changes` replace whole sections."""
    folder.mkdir(exist_ok=True)
    model = {"name_or_path": documents, "dropout": 0.1}
    values: dict[str, object] = {
        "model": model if queries is None else model | {"query_name_or_path": queries},
        "train": {"max_steps": STEPS, "batch_size": 8, "learning_rate": 0.01},
        "checkpoint": {"steps": 3},
        "logging": {"steps": 1},
    }
    return write_config(folder, **(values | changes))


def refusal(config: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        prepare(load_config(config), Several())
    return caught.value


def line_of(config: Path, start: str) -> int:
    return next(n for n, text in enumerate(config.read_text().splitlines(), 1) if text.strip().startswith(start))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished run."""
    folder = tmp_path_factory.mktemp("trained")
    finish(config_of(folder))
    return folder / "run"


def test_a_killed_run_goes_on_bit_for_bit(trained: Path, tmp_path: Path) -> None:
    config = config_of(tmp_path)
    killed(config, at_step=8)
    assert not (tmp_path / "run" / "model").exists()
    finish(config)
    wanted, found = checkpoint_tensors(trained), checkpoint_tensors(tmp_path / "run")
    assert wanted.keys() == found.keys()
    assert any(".queries." in name for name in wanted)
    assert all((wanted[name] == found[name]).all() for name in wanted)


def test_both_models_are_trained_and_saved_for_sentence_transformers(trained: Path) -> None:
    before = prepare(load_config(trained / "config.resolved.yaml"), Several()).model
    after = load_model(str(trained / "model"))
    theirs = SentenceTransformer(str(trained / "model"), device="cpu")
    assert "encode_query" in (trained / "model" / "README.md").read_text()
    assert before.queries is not None
    assert after.queries is not None
    for start, end, vectors in (
        (before, after, theirs.encode_document(TEXTS)),
        (before.queries, after.queries, theirs.encode_query(TEXTS)),
    ):
        np.testing.assert_allclose(encode_texts(end, TEXTS), vectors, atol=1e-5)
        assert np.abs(encode_texts(start, TEXTS) - vectors).max() > 1e-3


def test_evaluation_embeds_queries_by_their_model(trained: Path) -> None:
    rows = [json.loads(line) for line in (trained.parent / "dev.jsonl").read_text().splitlines()]
    theirs = SentenceTransformer(str(trained / "model"), device="cpu")
    queries, documents = (
        encoded / np.linalg.norm(encoded, axis=1, keepdims=True)
        for encoded in (
            theirs.encode_query([row["anchor"] for row in rows]),
            theirs.encode_document([row["positive"] for row in rows]),
        )
    )
    ranks = [int((scores > scores[row]).sum()) for row, scores in enumerate(queries @ documents.T)]
    gains = np.zeros((len(rows), 100))
    gains[np.arange(len(rows)), ranks] = 1.0
    ideal = np.zeros_like(gains)
    ideal[:, 0] = 1.0
    expected = ndcg(Judged(gains, ideal, np.ones(len(rows))), 10)
    measured = run_evaluation(str(trained), None, (), {}, Several())
    assert measured["dev/ndcg@10"] == pytest.approx(expected, abs=1e-6)
    told = json.loads((trained / "run.json").read_text())["result"]["metrics_after"]
    assert measured["dev/ndcg@10"] == pytest.approx(told["dev/ndcg@10"], abs=1e-6)


def test_encode_takes_the_model_that_the_prompt_names(trained: Path) -> None:
    theirs = SentenceTransformer(str(trained / "model"), device="cpu")
    stdin = "".join(f"{text}\n" for text in TEXTS).encode()
    wanted = {
        "query": theirs.encode_query(TEXTS),
        "document": theirs.encode_document(TEXTS),
        None: theirs.encode(TEXTS),
    }
    for prompt, vectors in wanted.items():
        found = list(encode_lines(str(trained), prompt, io.BytesIO(stdin)))
        np.testing.assert_allclose(np.array(found), vectors, atol=1e-5)
    with pytest.raises(ModelError, match="no prompt 'queries'"):
        list(encode_lines(str(trained), "queries", io.BytesIO(stdin)))


def test_a_saved_pair_is_trained_on_without_being_asked_for(trained: Path, tmp_path: Path) -> None:
    config = config_of(tmp_path, queries=None, documents=str(trained / "model"))
    finish(config)
    before, after = load_model(str(trained / "model")), load_model(str(tmp_path / "run" / "model"))
    assert before.queries is not None
    assert after.queries is not None
    assert np.abs(encode_texts(before.queries, TEXTS) - encode_texts(after.queries, TEXTS)).max() > 1e-3


def test_low_rank_updates_are_of_both_models(tmp_path: Path) -> None:
    for name, kind in (("documents", DOCUMENTS), ("queries", QUERIES)):
        save_model(load_model(kind, scratch_texts=lambda: TEXTS * 9), tmp_path / name)
    names = {"name_or_path": str(tmp_path / "documents"), "query_name_or_path": str(tmp_path / "queries")}
    finish(config_of(tmp_path / "lora", model={**names, "lora": {"r": 2}}))
    merged = load_model(str(tmp_path / "lora" / "run" / "model"))
    assert merged.queries is not None
    for folder, model in ((Path(), merged), (Path("query"), merged.queries)):
        alone = load_model(str(tmp_path / "lora" / "run" / "adapter" / folder))
        np.testing.assert_allclose(encode_texts(alone, TEXTS), encode_texts(model, TEXTS), atol=1e-4)


@pytest.mark.parametrize(
    ("rows", "loss", "said"),
    [
        ({"sentence_A": "a", "sentence_B": "b", "score": 0.5}, "CoSENTLoss", "are sentence_A, sentence_B"),
        ({"text": "a"}, "DenoisingAutoEncoderLoss", "are text"),
        ({"text": "a"}, "ContrastiveTensionLossInBatchNegatives", "two copies of one model"),
    ],
)
def test_data_without_queries_is_refused_at_the_key(
    rows: dict[str, object], loss: str, said: str, tmp_path: Path
) -> None:
    train = [{"path": "rows.jsonl", "columns": {name: name for name in rows}}]
    config = config_of(tmp_path, loss=loss, data={"train": train}, eval={"on_start": False})
    made = [{key: f"{value} {n}" if isinstance(value, str) else n / 9 for key, value in rows.items()} for n in range(9)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    (problem,) = refusal(config).problems
    assert said in problem.message
    assert problem.location is not None
    assert problem.location.line == line_of(config, "query_name_or_path")


def test_two_widths_are_refused_at_the_key_with_the_line_that_mends_it(tmp_path: Path) -> None:
    config = config_of(tmp_path, queries="scratch:static?width=16")
    (problem,) = refusal(config).problems
    assert problem.location is not None
    assert problem.location.line == line_of(config, "query_name_or_path")
    assert problem.hint is not None
    assert "model.dense: {out_features: 16}" in problem.hint
    names = {"name_or_path": DOCUMENTS, "query_name_or_path": "scratch:static?width=16"}
    job = prepare(load_config(config_of(tmp_path, model={**names, "dense": {"out_features": 16}})), Several())
    assert job.model.embedding_dim == 16


def test_inner_layers_of_models_of_two_depths_are_refused_at_the_modifier(tmp_path: Path) -> None:
    config = config_of(tmp_path, modifiers=["AdaptiveLayerLoss"])
    (problem,) = refusal(config).problems
    assert problem.message.endswith("the model for documents has 2 layers and the one for queries 0")
    assert problem.location is not None
    assert problem.location.line == line_of(config, "- AdaptiveLayerLoss")
    alike = config_of(tmp_path / "alike", queries=DOCUMENTS, modifiers=["AdaptiveLayerLoss"])
    finish(alike)


def test_prompts_of_a_role_are_written_for_the_model_that_reads_them(tmp_path: Path) -> None:
    prompts = {"query": "ask: ", "document": "say: "}
    model = {"name_or_path": DOCUMENTS, "query_name_or_path": QUERIES, "prompts": prompts}
    train = [{"path": "train.jsonl", "prompts": {"anchor": "query", "positive": "document"}}]
    config = config_of(tmp_path, model=model, data={"train": train, "eval": [{"path": "dev.jsonl"}]})
    job = prepare(load_config(config), Several())
    examples, rows = job.inputs.train_sets[0].examples, job.training.tasks[0].rows
    assert job.model.queries is not None
    for view, column in rows.columns.items():
        embedder, prompt = (job.model.queries, "ask: ") if view.role == "anchor" else (job.model, "say: ")
        (ids,) = column.store.gather(column.text_of_row[:1])
        text = examples.texts[examples.text_ids[view.role][0]]
        assert ids.tolist() == embedder.tokenizer.encode([prompt + text], None)[0].tolist()

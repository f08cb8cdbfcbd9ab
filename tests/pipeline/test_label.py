"""`embtune label`: what a teacher says, in a file, against what it says in training and by other code."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from small_models import save_scorer
from small_run import TOPICS, small_config, write_pairs
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from embtune.config import load_config
from embtune.data.rows import read_rows
from embtune.errors import ConfigError, DataError, EmbtuneError, ModelError, UsageError
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.queries import add_queries
from embtune.model.save import save_model
from embtune.pipeline.label_job import LabelOrder, run_labelling
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress_plain import PlainProgress, discard

QUIET = PlainProgress(discard)
KEPT = {"source": "made up", "number": 7}  # of no role


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model of width 16 that knows the words of the made-up data."""
    texts = [*TOPICS, "what is known about number of tell me who knows where are how old 1 2 3 4 5 6 7 8 9 0"]
    folder = tmp_path_factory.mktemp("teacher") / "model"
    save_model(load_model("scratch:static?width=16", scratch_texts=lambda: texts, seed=3), folder)
    return folder


@pytest.fixture
def order(teacher: Path, tmp_path: Path) -> LabelOrder:
    """Margins for triplets, in parts of 8 rows."""
    write_triplets(tmp_path / "train.jsonl")
    return LabelOrder(str(tmp_path / "train.jsonl"), str(teacher), "margin-mse", str(tmp_path / "out"), part_rows=8)


def pairs(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in write_pairs(path).read_text().splitlines()]


def write_rows(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_triplets(path: Path) -> Path:
    rows = pairs(path)
    return write_rows(path, [{**row, "negative": rows[i - 1]["positive"], **KEPT} for i, row in enumerate(rows)])


def write_tuples(path: Path) -> Path:
    """One to three negatives a row, as a list."""
    rows = pairs(path)
    answers = [row["positive"] for row in rows]
    return write_rows(path, [{**row, "negatives": answers[i % 3 : i % 3 + 1 + i % 3]} for i, row in enumerate(rows)])


def write_texts(path: Path) -> Path:
    rows = pairs(path)
    return write_rows(path, [{"text_1": row["anchor"], "text_2": row["positive"]} for row in rows])


def labelled(order: LabelOrder) -> list[dict[str, object]]:
    run_labelling(order, QUIET)
    return [row.values for row in read_rows(order.out)]


WRITERS = {"pairs": write_pairs, "triplets": write_triplets, "tuples": write_tuples, "texts": write_texts}


def losses_of_run(folder: Path, path: Path, loss: Mapping[str, object]) -> list[float]:
    """Of a run of a few steps on a data set."""
    config = small_config(
        folder,
        output_dir=str(folder / f"run-{path.stem}"),
        model={"name_or_path": "scratch:static?width=16"},
        data={"train": [{"path": str(path), "name": "rows"}]},
        train={"max_steps": 6, "batch_size": 16, "learning_rate": 0.3},
        eval={"on_start": False},
        loss=dict(loss),
    )
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    run_training(load_config(folder / "config.yaml"), TrainRequest(), QUIET)
    lines = (folder / f"run-{path.stem}" / "metrics.jsonl").read_text().splitlines()
    return [event["loss"] for event in map(json.loads, lines) if event["event"] == "step"]


@pytest.mark.parametrize(
    ("loss", "data", "out"),
    [
        ({"name": "MSELoss"}, "pairs", "labelled.parquet"),
        ({"name": "EmbedDistillLoss"}, "texts", "labelled.jsonl.gz"),
        # a static model measures by cosine, unless it is told otherwise
        ({"name": "MarginMSELoss", "similarity_fct": "cosine"}, "triplets", "labelled.csv"),
        ({"name": "DistillKLDivLoss", "similarity_fct": "cosine"}, "tuples", "labelled"),
    ],
)
def test_a_run_on_labelled_rows_is_the_run_that_asks_the_teacher_itself(
    loss: dict[str, object], data: str, out: str, teacher: Path, tmp_path: Path
) -> None:
    rows = WRITERS[data](tmp_path / "rows.jsonl")
    order = LabelOrder(str(rows), str(teacher), str(loss["name"]), str(tmp_path / out), part_rows=17)
    run_labelling(order, QUIET)
    taught = losses_of_run(tmp_path, rows, {**loss, "teacher": str(teacher)})
    np.testing.assert_allclose(losses_of_run(tmp_path, tmp_path / out, loss), taught, rtol=1e-6)
    assert taught[-1] < taught[0]


def test_every_column_is_kept_and_numbers_have_32_bits(order: LabelOrder, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    rows = labelled(replace(order, out=str(tmp_path / "out.parquet")))
    unlabelled = [json.loads(line) for line in Path(order.data).read_text().splitlines()]
    assert [{key: value for key, value in row.items() if key != "margin"} for row in rows] == unlabelled
    assert str(pq.read_schema(tmp_path / "out.parquet").field("margin").type) == "float"
    run_labelling(replace(order, data=str(write_texts(tmp_path / "t.jsonl")), loss="mse"), QUIET)
    assert str(pq.read_schema(tmp_path / "out" / "part-00000.parquet").field("embedding").type).count("float") == 1


def test_a_cross_encoder_gives_its_logits(tmp_path: Path) -> None:
    save_scorer("bert", tmp_path / "scorer")
    rows = labelled(
        LabelOrder(str(write_tuples(tmp_path / "t.jsonl")), str(tmp_path / "scorer"), "distill-kl", str(tmp_path / "o"))
    )
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "scorer").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "scorer")
    for row in rows[:4]:
        passages = [row["positive"], *row["negatives"]]  # type: ignore[misc]
        with torch.no_grad():
            wanted = [
                model(**tokenizer([row["anchor"]], [each], return_tensors="pt")).logits.item() for each in passages
            ]
        np.testing.assert_allclose(np.array(row["scores"]), wanted, atol=2e-5)


def test_queries_and_passages_are_read_by_their_models_after_their_prompts(tmp_path: Path) -> None:
    texts = [*TOPICS, "query passage what is known about number of"]
    documents, queries = (load_model("scratch:static?width=8", scratch_texts=lambda: texts, seed=i) for i in (1, 2))
    documents.settings.prompts = {"query": "what is known about ", "passage": "number of "}
    add_queries(documents, queries)
    save_model(documents, tmp_path / "two")
    data = write_triplets(tmp_path / "t.jsonl")
    row = labelled(LabelOrder(str(data), str(tmp_path / "two"), "distill-kl", str(tmp_path / "o")))[0]

    def scores(query_prompt: str) -> list[float]:
        query = encode_texts(queries, [str(row["anchor"])], query_prompt)[0]
        passages = encode_texts(documents, [str(row["positive"]), str(row["negative"])], "number of ")
        return [float(query @ each / np.linalg.norm(query) / np.linalg.norm(each)) for each in passages]

    np.testing.assert_allclose(np.array(row["scores"]), scores("what is known about "), atol=1e-6)
    asked = LabelOrder(
        str(data), str(tmp_path / "two"), "distill-kl", str(tmp_path / "p"), prompts={"anchor": "winter "}
    )
    np.testing.assert_allclose(np.array(labelled(asked)[0]["scores"]), scores("winter "), atol=1e-6)
    assert scores("winter ") != scores("what is known about ")


class Interrupted(io.BytesIO):
    """Standard input at whose end somebody presses Ctrl-C."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Some bytes, or the end."""
        found = super().read(size)
        if not found:
            raise KeyboardInterrupt
        return found

    def read1(self, size: int | None = -1, /) -> bytes:
        """The same."""
        return self.read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        """The same of a line."""
        found = super().readline(size)
        if not found:
            raise KeyboardInterrupt
        return found


def end_after(order: LabelOrder, rows: int) -> None:
    """Begin the work, and end it when so many rows were read."""
    lines = Path(order.data).read_bytes().splitlines(keepends=True)
    with pytest.raises(KeyboardInterrupt):
        run_labelling(replace(order, data="-"), QUIET, Interrupted(b"".join(lines[:rows])))


@pytest.fixture
def long_order(order: LabelOrder, tmp_path: Path) -> LabelOrder:
    """1,800 rows in parts of 200."""
    lines = Path(order.data).read_text().splitlines()
    (tmp_path / "long.jsonl").write_text(
        "".join(line.replace("number", f"{k}", 1) + "\n" for k in range(30) for line in lines)
    )
    return replace(order, data=str(tmp_path / "long.jsonl"), part_rows=200)


def test_work_that_was_ended_goes_on_behind_its_last_part(long_order: LabelOrder, tmp_path: Path) -> None:
    assert run_labelling(replace(long_order, out=str(tmp_path / "whole.parquet")), QUIET).found == 0
    ended = replace(long_order, out=str(tmp_path / "ended.parquet"))
    end_after(ended, 1500)
    assert len(list((tmp_path / ".ended.parquet.parts").glob("part-*"))) == 7
    assert not (tmp_path / "ended.parquet").exists()
    report = run_labelling(ended, QUIET)
    assert (report.rows, report.found) == (1800, 1400)
    assert (tmp_path / "ended.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_finished_work_is_left_alone(order: LabelOrder, tmp_path: Path) -> None:
    run_labelling(order, QUIET)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert run_labelling(order, QUIET).found == 60
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before
    with pytest.raises(UsageError, match="already-there"):
        run_labelling(replace(order, loss="distill-kl"), QUIET)


def test_rows_that_changed_and_other_models_are_not_mixed(long_order: LabelOrder, tmp_path: Path) -> None:
    end_after(long_order, 1200)
    other = tmp_path / "other"
    save_model(load_model("scratch:static?width=16", scratch_texts=lambda: TOPICS, seed=9), other)
    with pytest.raises(UsageError, match="changed since: model"):
        run_labelling(replace(long_order, model=str(other)), QUIET)
    with pytest.raises(UsageError, match="changed since: label"):
        run_labelling(replace(long_order, loss="distill-kl"), QUIET)
    lines = Path(long_order.data).read_text().splitlines()
    lines[399] = lines[398]
    Path(long_order.data).write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"long.jsonl:201: error\[rows-changed\]"):
        run_labelling(long_order, QUIET)


def refusal(order: LabelOrder) -> EmbtuneError:
    """What is said although there is no such teacher: nothing of it was asked for yet."""
    with pytest.raises((ConfigError, DataError, UsageError)) as caught:
        run_labelling(replace(order, model="no/such/model"), QUIET)
    return caught.value


@pytest.mark.parametrize(
    ("out", "code"), [("x.xlsx", "unknown-extension"), ("no/such/folder/x.jsonl", "missing-folder")]
)
def test_an_output_that_cannot_be_is_refused(out: str, code: str, order: LabelOrder, tmp_path: Path) -> None:
    assert f"error[{code}]" in str(refusal(replace(order, out=str(tmp_path / out))))


def test_a_loss_without_a_teacher_is_refused_with_those_that_have_one(order: LabelOrder) -> None:
    said = str(refusal(replace(order, loss="cosent")))
    assert "reads no labels of a teacher" in said
    assert all(name in said for name in ("MSELoss", "MarginMSELoss", "DistillKLDivLoss", "EmbedDistillLoss"))


def test_texts_that_the_loss_does_not_take_are_refused(order: LabelOrder, tmp_path: Path) -> None:
    said = str(refusal(replace(order, data=str(write_pairs(tmp_path / "pairs.jsonl")))))
    assert "MarginMSELoss takes" in said
    assert "embtune mine" in said


def test_texts_beside_another_label_are_declared(order: LabelOrder, tmp_path: Path) -> None:
    rows = [
        {"sentence1": row["anchor"], "sentence2": row["positive"], "score": i / 60}
        for i, row in enumerate(pairs(tmp_path / "x.jsonl"))
    ]
    scored = replace(order, data=str(write_rows(tmp_path / "scored.jsonl", list(map(dict, rows)))), loss="mse")
    assert "--columns" in str(refusal(scored))
    columns = {"text_1": "sentence1", "text_2": "sentence2"}
    report = run_labelling(replace(scored, columns=columns), QUIET)
    assert report.record()["columns"] == {**columns, "label": "embedding"}
    assert len(next(read_rows(order.out)).values["embedding"]) == 2  # type: ignore[arg-type]


def test_a_column_of_the_labels_name_is_not_overwritten(order: LabelOrder, tmp_path: Path) -> None:
    rows = [{**json.loads(line), "margin": 1.0} for line in Path(order.data).read_text().splitlines()]
    assert "column 'margin' already" in str(refusal(replace(order, data=str(write_rows(tmp_path / "m.jsonl", rows)))))


def test_lists_do_not_go_into_csv(order: LabelOrder) -> None:
    refused = refusal(replace(order, loss="distill-kl", out=f"{order.out}.csv"))
    assert isinstance(refused, UsageError)
    assert "choose a name that ends in .jsonl" in str(refused)


def test_all_bad_rows_are_told_before_anything_is_read(order: LabelOrder) -> None:
    lines = Path(order.data).read_text().splitlines()
    lines[40] = json.dumps({"anchor": "", "positive": "a", "negative": "b"})
    lines[50] = json.dumps({"anchor": "a", "positive": None, "negative": "b"})
    Path(order.data).write_text("\n".join(lines))
    said = str(refusal(order))
    assert "train.jsonl:41: error[empty-text]" in said
    assert "train.jsonl:51: error[null-text]" in said
    assert "2 of 60 rows" in said


def test_a_prompt_of_no_text_is_refused(order: LabelOrder) -> None:
    assert "no text is a 'text'" in str(refusal(replace(order, prompts={"text": "query: "})))


def test_a_cross_encoder_embeds_nothing(order: LabelOrder, tmp_path: Path) -> None:
    save_scorer("bert", tmp_path / "scorer")
    data = str(write_texts(tmp_path / "t.jsonl"))
    with pytest.raises(ModelError, match="embeds no text"):
        run_labelling(replace(order, data=data, loss="mse", model=str(tmp_path / "scorer")), QUIET)
    with pytest.raises(ModelError, match="has no prompts"):
        run_labelling(replace(order, model=str(tmp_path / "scorer"), prompts={"anchor": "query"}), QUIET)

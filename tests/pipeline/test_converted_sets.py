"""Datasets that a config converts: counted, the same at every start, no text of one part in another, errors located."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from embtune.config import LoadedConfig, load_config
from embtune.data.examples import Examples
from embtune.errors import ConfigError, DataError
from embtune.pipeline.check_format import check_config
from embtune.pipeline.data_report import DataReport
from embtune.pipeline.datasets import load_sets, load_train_sets
from embtune.report.progress import Several

CLASSES = [{"text": f"text {i} of {'abcd'[i % 4]}", "label": "abcd"[i % 4]} for i in range(40)]
NLI = [
    {
        "premise": f"premise {i // 3}",
        "hypothesis": f"hypothesis {i}",
        "label": ("entailment", "neutral", "contradiction")[i % 3],
    }
    for i in range(30)
]


def write(folder: Path, rows: list[dict[str, str]], seed: int = 1, **entry: object) -> LoadedConfig:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "version": 1,
        "output_dir": str(folder / "run"),
        "seed": seed,
        "model": {"name_or_path": "scratch:static?width=16"},
        "data": {"train": [{"path": "rows.jsonl", **entry}]},
        "loss": "MultipleNegativesRankingLoss",
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return load_config(path)


def test_the_loss_sees_what_is_made_and_the_counts_are_told(tmp_path: Path) -> None:
    (data,) = load_train_sets(write(tmp_path, NLI, convert="triplets"))
    assert data.examples.roles == ("anchor", "positive", "negative")
    assert [data.examples.text(0, role) for role in data.examples.roles] == [
        "premise 0",
        "hypothesis 0",
        "hypothesis 2",
    ]
    assert data.examples.location(1).line == 4
    assert data.converted is not None
    assert data.converted.sentence == "10 triplets from 30 rows; 10 rows labelled neutral"
    assert data.converted.record()["made"] == 10
    assert any(note.startswith("converted: pairs with a class -> ") for note in data.layout.notes)


def test_the_run_s_seed_decides_what_is_drawn(tmp_path: Path) -> None:
    prints = [
        load_train_sets(write(tmp_path, CLASSES, seed, convert="triplets"))[0].examples.fingerprint
        for seed in (1, 1, 2)
    ]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("convert", ["pairs", {"to": "triplets", "negatives": 2}])
def test_no_text_of_the_rows_held_out_gets_into_training(tmp_path: Path, convert: object) -> None:
    train_sets, eval_sets = load_sets(write(tmp_path, CLASSES, convert=convert, hold_out=12))
    trained, (held,) = set(train_sets[0].examples.texts), eval_sets
    assert isinstance(held.data, Examples)
    assert len(trained) == 28
    assert 6 < len(set(held.data.texts)) <= 12  # a text may be the only one of its class there
    assert not trained & set(held.data.texts)


def test_a_retrieval_folder_can_be_trained_on(tmp_path: Path) -> None:
    folder = tmp_path / "nq"
    (folder / "qrels").mkdir(parents=True)
    for name, count in (("queries", 3), ("corpus", 6)):
        lines = [json.dumps({"_id": f"{name}{i}", "text": f"{name} text {i}"}) for i in range(count)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    (folder / "qrels" / "dev.tsv").write_text("".join(f"queries{i}\tcorpus{i}\t1\n" for i in range(3)))
    loaded = write(tmp_path, CLASSES, path="nq", convert={"to": "n-tuples", "negatives": 2})
    (data,) = load_train_sets(loaded)
    assert data.examples.roles == ("anchor", "positive", "negative_1", "negative_2")
    assert len(data.examples) == 3
    (report,) = check_config(loaded.path, (), {}, Several())
    assert isinstance(report, DataReport)
    assert report.ok
    assert report.layout.roles == data.examples.roles


@pytest.mark.parametrize(
    ("rows", "convert", "error", "message"),
    [
        (NLI, "damaged", ConfigError, "no damaged and original texts can be made of this data"),
        (NLI, {"to": "pairs", "threshold": 0.5}, ConfigError, "threshold has no effect"),
        (CLASSES[::4], "pairs", DataError, "all 10 rows are of the class 'a'"),
    ],
)
def test_what_cannot_be_made_is_told_at_its_line(
    tmp_path: Path, rows: list[dict[str, str]], convert: object, error: type[Exception], message: str
) -> None:
    loaded = write(tmp_path, rows, convert=convert, loss="tsdae" if convert == "damaged" else None)
    with pytest.raises(error, match=message) as caught:
        load_train_sets(loaded)
    assert "config.yaml:9" in str(caught.value)

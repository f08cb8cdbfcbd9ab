"""`embtune init` on every dataset of the shared folder: what it writes validates, and trains for three steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from embtune.config import load_config
from embtune.pipeline.init_job import draft_config, write_new
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress import Several

DATA = Path(__file__).parents[3] / "shared" / "data"
ROWS = sorted(
    str(path.relative_to(DATA)) for path in DATA.rglob("*.jsonl.gz") if path.parent.parent.name != "retrieval"
)
FOLDERS = sorted(str(path.parent.relative_to(DATA)) for path in DATA.glob("retrieval/*/qrels"))
IN_THE_SUITE = {"sts/stsb_en_dev.jsonl.gz", "nli/snli_cad_dev.jsonl.gz", "labels/banking77_dev.jsonl.gz"}
MODEL = "scratch:static?width=32&vocab=2000"


def trained(config: Path, folder: Path, *sets: str) -> dict[str, object]:
    short = ("train.max_steps=3", "train.batch_size=16", f"output_dir={folder / 'run'}", *sets)
    result = run_training(load_config(config, short), TrainRequest(), Several())
    assert result is not None
    return result


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in IN_THE_SUITE else pytest.mark.slow) for name in ROWS]
)
def test_a_dataset_gets_a_config_that_validates_and_trains(name: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    write_new(draft_config(str(DATA / name), MODEL, config).text, config)
    trained(config, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_a_retrieval_set_judges_once_training_rows_are_named(name: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    written = draft_config(str(DATA / name), MODEL, config)
    write_new(written.text, config)
    assert "there is nothing to train on yet" in written.notes[0]
    rows = f"data.train.0.path={DATA / 'pairs' / 'wikisplit_dev.jsonl.gz'}"
    after = trained(config, tmp_path, rows)["metrics_after"]
    assert isinstance(after, dict)
    assert f"{Path(name).name}/ndcg@10" in after

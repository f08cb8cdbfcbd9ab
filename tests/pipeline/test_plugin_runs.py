"""A run with the loss of CONTRIBUTING: trained, recorded, in the card, and gone on with only as it was."""

from __future__ import annotations

import json
from pathlib import Path

import own_loss
import pytest
from own_loss import FILE, NAME
from small_run import write_config

from embtune.cli import output as cli_output
from embtune.config import load_config
from embtune.errors import ConfigError, RunDirectoryError
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress import Several


def run(config: Path, *overrides: str) -> dict[str, object] | None:
    return run_training(load_config(config, overrides), TrainRequest(), Several())


def write(folder: Path) -> Path:
    own_loss.write_file(folder)
    model = {"name_or_path": "scratch:static?width=16"}
    return write_config(folder, model=model, plugins=[FILE], loss=NAME, train={"max_steps": 2, "batch_size": 8})


def test_a_run_trains_with_it_and_its_record_and_card_name_it(tmp_path: Path) -> None:
    result = run(write(tmp_path))
    assert result is not None
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    (plugin,) = record["plugins"]
    assert (plugin["name"], plugin["losses"], len(plugin["sha256"])) == (FILE, [NAME], 64)
    card = (tmp_path / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert f"loss:{NAME}" in card
    assert "power" in card


def test_a_run_does_not_go_on_with_other_code(tmp_path: Path) -> None:
    config = write(tmp_path)
    run(config)
    record = tmp_path / "run" / "run.json"  # as a stopped run leaves it
    record.write_text(record.read_text(encoding="utf-8").replace('"finished"', '"stopped"'), encoding="utf-8")
    own_loss.write_file(tmp_path, own_loss.code() + "# changed\n")
    with pytest.raises(RunDirectoryError, match=r"the code of my_losses\.py has changed"):
        run(config)
    own_loss.write_file(tmp_path)
    assert run(config)


def test_an_exception_in_its_code_is_told_as_its_own_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(tmp_path)
    broken = own_loss.code().replace('batch.embedding("positive")', 'batch.embedding("nobody")')
    path = own_loss.write_file(tmp_path, broken)
    line = next(number for number, text in enumerate(broken.splitlines(), 1) if "nobody" in text)
    assert cli_output.run(lambda: run(config)) == 1
    told = capsys.readouterr().err
    assert f"{path}:{line}:9: error[plugin-failed]: KeyError: View(role='nobody'" in told
    assert "this is the code of a plugin" in told
    assert "fault of embtune" not in told


def test_a_class_that_couples_rows_otherwise_than_it_declares_is_refused_where_it_is_named(tmp_path: Path) -> None:
    config = write(tmp_path)
    lying = "    @property\n    def coupling(self):\n        return Coupling.BATCH"
    own_loss.write_file(tmp_path, own_loss.code().replace("    coupling = spec.coupling", lying))
    with pytest.raises(ConfigError, match="declares the coupling ROWS, and its class has BATCH") as caught:
        run(config)
    location = caught.value.problems[0].location
    assert location is not None
    assert location.line == 1 + config.read_text().splitlines().index(f"loss: {NAME}")

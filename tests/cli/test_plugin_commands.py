"""Losses of one's own at the command line: the loss of CONTRIBUTING as a file, and as an installed package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import own_loss
import pytest
from command import REPOSITORY, run_embtune
from own_loss import FILE, NAME


def run_installed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command where the packages in `folder` are installed."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(REPOSITORY)])}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own_loss.write_file(tmp_path)
    rows = [json.dumps({"anchor": f"a {row}", "positive": f"b {row}"}) for row in range(3)]
    (tmp_path / "pairs.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path


def test_list_losses_lists_those_of_a_file_and_shows_their_pages(folder: Path) -> None:
    table = run_embtune("list-losses", FILE, cwd=folder)
    assert table.stdout.splitlines()[1:] == [f"{NAME}\tno\tanchor, positive\tnone\trows\t"]
    page = run_embtune("list-losses", FILE, "-v", cwd=folder).stdout
    assert page.startswith(f"{NAME} (alignment)\n")
    assert "power: number > 0, default 2.0" in page


def test_check_format_judges_those_of_a_file(folder: Path) -> None:
    report = json.loads(run_embtune("check-format", "pairs.jsonl", "--loss", FILE, "--json", cwd=folder).stdout)
    (dataset,) = report["datasets"]
    assert report["ok"]
    assert NAME in json.dumps(dataset)


def test_the_schema_knows_those_of_a_file(folder: Path) -> None:
    schema = json.loads(run_embtune("schema", FILE, cwd=folder).stdout)
    assert NAME in schema["$defs"]["Loss"]["anyOf"][0]["enum"]


def test_a_broken_file_is_told_with_its_line_and_a_traceback_only_when_asked(folder: Path) -> None:
    own_loss.write_file(folder, "def f():\n    return 1 / 0\n\n\nf()\n")
    config = folder / "config.yaml"
    config.write_text("output_dir: run\nmodel: {name_or_path: m}\ndata: {train: [{path: pairs.jsonl}]}\n"
                      f"plugins: [{FILE}]\nloss: {NAME}\n", encoding="utf-8")  # fmt: skip
    done = run_embtune("validate", "config.yaml", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "config.yaml:4:11: error[broken-plugin]: plugins.0: my_losses.py cannot be imported: " in done.stderr
    assert "my_losses.py:2: ZeroDivisionError: division by zero" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in run_embtune("validate", "config.yaml", "--traceback", cwd=folder).stderr


def test_an_installed_package_adds_its_loss_to_every_command(folder: Path) -> None:
    (folder / "site").mkdir()
    site = own_loss.install(folder / "site")
    assert run_installed(site, "-m", "embtune", "list-losses", "alignment").stdout.startswith(NAME)
    assert f'"{NAME}"' in run_installed(site, "-m", "embtune", "schema").stdout


def test_a_package_that_fails_is_named(folder: Path) -> None:
    (folder / "site").mkdir()
    site = own_loss.install(folder / "site", "import nowhere_to_be_found\n")
    done = run_installed(site, "-m", "embtune", "list-losses")
    assert (done.returncode, done.stdout) == (2, "")
    assert "package own-losses (entry point own = my_losses) cannot be imported" in done.stderr
    assert "No module named 'nowhere_to_be_found'" in done.stderr


CONFORMS = """
import sys
from pathlib import Path
from conformance_grid import all_cells
from conformance_step import faults, prepare_cell
cells = [cell for cell in all_cells() if cell.loss.name == sys.argv[1] and not cell.refused and not cell.lora]
assert len(cells) == 6, [str(cell) for cell in cells]
for cell in cells:
    folder = Path(sys.argv[2]) / str(cells.index(cell))
    folder.mkdir()
    found = faults(cell, prepare_cell(cell, folder, folder))
    assert not found, (str(cell), found)
"""


def test_a_loss_of_an_installed_package_is_in_the_conformance_grid_and_passes(folder: Path) -> None:
    (folder / "site").mkdir()
    site = own_loss.install(folder / "site")
    code = f"import sys\nsys.path.insert(0, {str(REPOSITORY / 'tests' / 'conformance')!r})\n{CONFORMS}"
    done = run_installed(site, "-c", code, NAME, str(folder))
    assert done.returncode == 0, done.stderr

"""Losses of one's own: what is loaded, what is refused, and how they join the others."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import own_loss
import pytest

from embtune.catalog import Coupling, built_in, effective_parameters, effective_spec
from embtune.catalog.page import page
from embtune.catalog.plugins import load_plugin
from embtune.errors import ConfigError


def test_the_file_of_contributing_is_under_40_lines_and_gives_its_loss(tmp_path: Path) -> None:
    path = own_loss.write_file(tmp_path)
    assert len(own_loss.code().splitlines()) < 40
    plugin = load_plugin(own_loss.FILE, tmp_path)
    (spec,) = plugin.specs
    assert (spec.name, spec.alias, spec.coupling) == (own_loss.NAME, "alignment", Coupling.ROWS)
    assert plugin.sha256 == sha256(path.read_bytes()).hexdigest()
    assert "power: number > 0, default 2.0" in page(spec)


def test_a_file_is_run_once_for_each_content(tmp_path: Path) -> None:
    own_loss.write_file(tmp_path)
    first = load_plugin(own_loss.FILE, tmp_path)
    assert load_plugin(own_loss.FILE, tmp_path) == first
    own_loss.write_file(tmp_path, own_loss.code().replace("default=2.0", "default=1.0"))
    changed = load_plugin(own_loss.FILE, tmp_path)
    assert changed.sha256 != first.sha256
    assert changed.specs[0].parameters().model_dump() == {"power": 1.0}
    assert first.specs[0].parameters().model_dump() == {"power": 2.0}


def test_a_module_that_can_be_imported_is_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_losses_for_a_test").mkdir()
    (tmp_path / "own_losses_for_a_test" / "losses.py").write_text(own_loss.code(), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugin = load_plugin("own_losses_for_a_test.losses", Path())
    assert [spec.implementation for spec in plugin.specs] == ["own_losses_for_a_test.losses:Alignment"]
    assert plugin.sha256 == sha256(own_loss.code().encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("import os\n", "no-loss-in-plugin", "my_losses.py defines no loss"),
        ("x = 1\n\nraise KeyError('y')\n", "broken-plugin", "my_losses.py:3: KeyError: 'y'"),
        ("x = 1\ny = = 2\n", "broken-plugin", "my_losses.py:2: SyntaxError: invalid syntax"),
        ("import sys\nsys.exit(3)\n", "broken-plugin", "my_losses.py:2: SystemExit: 3"),
        ("import nowhere_to_be_found\n", "broken-plugin", "my_losses.py:1: ModuleNotFoundError: No module named"),
        ("def f():\n    int('x')\n\n\nf()\n", "broken-plugin", "my_losses.py:2: ValueError: invalid literal"),
        (own_loss.code().replace("def terms", "def term"), "broken-plugin", "the class Alignment lacks terms"),
        (own_loss.code().replace("def build", "def make"), "broken-plugin", "the class Alignment lacks build"),
        (own_loss.code().replace("=Coupling.ROWS", "=None"), "broken-plugin", "AlignmentLoss is a loss without"),
    ],
)
def test_what_is_no_plugin_is_refused_with_its_line(text: str, code: str, message: str, tmp_path: Path) -> None:
    own_loss.write_file(tmp_path, text)
    modules = set(sys.modules)
    with pytest.raises(ConfigError) as raised:
        load_plugin(own_loss.FILE, tmp_path)
    (problem,) = raised.value.problems
    assert (problem.code, message in problem.message) == (code, True), problem.message
    assert code != "broken-plugin" or "lacks" in message or "without" in message or set(sys.modules) == modules


def test_the_hash_covers_the_modules_of_its_own_folder_that_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    path = own_loss.write_file(tmp_path, f"import helper_of_a_test\n{own_loss.code()}")
    (tmp_path / "helper_of_a_test.py").write_text("from deeper_helper_of_a_test import A\nimport json\n")
    (tmp_path / "deeper_helper_of_a_test.py").write_text("A = 1\n")
    (tmp_path / "another_of_a_test.py").write_text("not imported")
    read = [path, tmp_path / "deeper_helper_of_a_test.py", tmp_path / "helper_of_a_test.py"]
    assert (
        load_plugin(own_loss.FILE, tmp_path).sha256 == sha256(b"".join(each.read_bytes() for each in read)).hexdigest()
    )
    (tmp_path / "deeper_helper_of_a_test.py").write_text("A = 2\n")
    changed = load_plugin(own_loss.FILE, tmp_path).sha256
    assert changed == sha256(b"".join(each.read_bytes() for each in read)).hexdigest()
    for module in ("helper_of_a_test", "deeper_helper_of_a_test"):
        del sys.modules[module]


def test_a_coupling_that_is_not_that_of_the_class_is_refused(tmp_path: Path) -> None:
    own_loss.write_file(tmp_path, own_loss.code().replace("coupling = spec.coupling", "coupling = Coupling.BATCH"))
    with pytest.raises(ConfigError, match="AlignmentLoss declares the coupling ROWS, and its class has BATCH"):
        load_plugin(own_loss.FILE, tmp_path)


PRESET = """
from embtune.catalog import Coupling, LossSpec
from embtune.catalog.formats import PAIR


class Squared:
    spec = LossSpec(
        name="SquaredAlignmentLoss",
        alias="squared",
        purpose="AlignmentLoss with power 2.",
        formula="loss = mean_i |a_i - p_i|^2",
        formats=(PAIR,),
        coupling=Coupling.ROWS,
        resolves_to="AlignmentLoss",
        presets={"power": 2.0},
    )
"""


def test_a_plugin_presets_the_loss_of_another_or_of_its_own(tmp_path: Path) -> None:
    own_loss.write_file(tmp_path)
    (tmp_path / "presets.py").write_text(PRESET)
    specs = [load_plugin(name, tmp_path).specs for name in (own_loss.FILE, "presets.py")]
    joined = built_in().joined(specs[0]).joined(specs[1])
    preset, target = joined.find("squared"), joined.find(own_loss.NAME)
    assert effective_spec(preset) == target
    assert effective_parameters(preset, preset.parameters()).model_dump() == {"power": 2.0}
    with pytest.raises(ConfigError, match="SquaredAlignmentLoss presets AlignmentLoss, and there is no such loss"):
        built_in().joined(specs[1])
    own_loss.write_file(tmp_path, own_loss.code() + PRESET)
    alone = {spec.name: spec for spec in load_plugin(own_loss.FILE, tmp_path).specs}
    assert effective_spec(alone["SquaredAlignmentLoss"]).name == own_loss.NAME


@pytest.mark.parametrize(("name", "message"), [("nowhere.py", "No such file"), ("no.where", "no module is named")])
def test_what_is_not_there_is_told_with_where_it_was_looked_for(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        load_plugin(name, tmp_path)
    assert raised.value.problems[0].code == "missing-plugin"


def test_a_file_without_its_suffix_is_offered_with_it(tmp_path: Path) -> None:
    own_loss.write_file(tmp_path)
    with pytest.raises(ConfigError, match=r"did you mean 'my_losses\.py'"):
        load_plugin("my_losses", tmp_path)


def test_what_a_file_prints_does_not_reach_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_loss.write_file(tmp_path, f"print('hello')\n{own_loss.code()}")
    load_plugin(own_loss.FILE, tmp_path)
    assert capsys.readouterr() == ("", "hello\n")


@pytest.mark.parametrize("name", ["name='TripletLoss'", "name='triplet'"])
def test_a_name_that_is_taken_is_refused_and_the_same_loss_twice_is_one(name: str, tmp_path: Path) -> None:
    own_loss.write_file(tmp_path)
    specs = load_plugin(own_loss.FILE, tmp_path).specs
    joined = built_in().joined(specs)
    assert joined.joined(specs) == joined
    assert [spec.name for spec in joined.specs] == sorted([*(spec.name for spec in built_in().specs), own_loss.NAME])
    own_loss.write_file(tmp_path, own_loss.code().replace('name="AlignmentLoss"', name))
    with pytest.raises(ConfigError, match="is taken by TripletLoss"):
        built_in().joined(load_plugin(own_loss.FILE, tmp_path).specs)

"""`plugins:` in a config: loaded before the losses are judged, and each mistake told at its entry."""

from __future__ import annotations

from pathlib import Path

import own_loss
import pytest
import yaml
from own_loss import FILE, NAME

from embtune.catalog import all_specs
from embtune.config import LoadedConfig, load_config
from embtune.errors import ConfigError, Problem

CONFIG = "output_dir: run\nmodel: {{name_or_path: m}}\ndata: {{train: [{{path: a.jsonl}}]}}\nplugins: [{}]\nloss: {}\n"


def write(folder: Path, plugins: str = FILE, loss: str = NAME) -> Path:
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(plugins, loss), encoding="utf-8")
    return path


def problems(path: Path, *overrides: str) -> list[Problem]:
    with pytest.raises(ConfigError) as raised:
        load_config(path, overrides)
    return list(raised.value.problems)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    own_loss.write_file(tmp_path)
    return write(tmp_path)


def parameters(loaded: LoadedConfig) -> dict[str, object]:
    (loss,) = loaded.config.loss
    assert loss.spec.name == NAME
    return loss.parameters.model_dump()


def test_a_config_knows_the_losses_of_its_plugins_and_nobody_else_does(config: Path) -> None:
    loaded = load_config(config)
    assert parameters(loaded) == {"power": 2.0}
    assert [plugin.name for plugin in loaded.plugins] == [FILE]
    assert NAME in loaded.catalogue.by_name
    assert NAME not in [spec.name for spec in all_specs()]
    (problem,) = problems(config, "plugins=null")
    assert problem.code == "unknown-loss"


def test_parameters_are_checked_as_those_of_built_in_losses(config: Path) -> None:
    path = write(config.parent, loss="{name: alignment, power: -1}")
    (bad,) = problems(path)
    assert (bad.code, bad.message) == ("bad-value", "loss.power: must be greater than 0, found -1")
    assert bad.location is not None
    assert (bad.location.line, bad.location.column) == (5, 32)
    (unknown,) = problems(write(config.parent, loss="{name: alignment, powr: 1}"))
    assert (unknown.code, unknown.hint) == ("unknown-key", "did you mean 'power'?")
    (misspelt,) = problems(write(config.parent, loss="AlignmntLoss"))
    assert (misspelt.code, misspelt.hint) == (
        "unknown-loss",
        f"Did you mean '{NAME}'? 'embtune list-losses' shows all",
    )
    loaded = load_config(write(config.parent, loss="{name: alignment, power: 3}"), ["loss.power=null"])
    assert parameters(loaded) == {"power": 2.0}


def test_a_file_is_found_from_the_config_that_names_it(config: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    above = tmp_path_factory.mktemp("above") / "config.yaml"
    above.write_text(f"extends: {config}\nseed: 7\n", encoding="utf-8")
    loaded = load_config(above)
    assert loaded.config.plugins == (str(config.parent / FILE),)
    rerun = above.with_name("resolved.yaml")
    rerun.write_text(loaded.resolved_yaml(), encoding="utf-8")
    assert load_config(rerun).config == loaded.config
    assert yaml.safe_load(loaded.resolved_yaml())["loss"] == {"name": NAME, "weight": 1.0, "power": 2.0}


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (None, "missing-plugin", "plugins.0: my_losses.py cannot be read: No such file or directory"),
        ("x = 1\nboom\n", "broken-plugin", "plugins.0: my_losses.py cannot be imported: my_losses.py:2: NameError"),
        ("x = 1\n", "no-loss-in-plugin", "plugins.0: my_losses.py defines no loss"),
        (own_loss.code().replace(NAME, "TripletLoss"), "loss-name-taken", "plugins.0: TripletLoss: the name"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_told_once_at_its_entry(
    text: str | None, code: str, message: str, tmp_path: Path
) -> None:
    if text is not None:
        own_loss.write_file(tmp_path, text)
    (problem,) = problems(write(tmp_path))  # and not that the loss is unknown, too
    assert (problem.code, problem.message[: len(message)]) == (code, message)
    assert problem.location is not None
    assert (problem.location.line, problem.location.column, problem.caret_width) == (4, 11, len(FILE))


def test_other_mistakes_are_told_beside_a_broken_plugin(tmp_path: Path) -> None:
    found = problems(write(tmp_path, loss="{name: AlignmentLoss, weight: -1}"), "train.batch_size=0")
    assert [problem.code for problem in found] == ["missing-plugin", "bad-value", "bad-value"]


def test_what_is_no_name_of_a_plugin_is_the_schemas_to_tell(tmp_path: Path) -> None:
    own_loss.write_file(tmp_path)
    assert [problem.code for problem in problems(write(tmp_path, plugins=f"{FILE}, 3"))] == ["wrong-type"]

"""Nothing that is read can run code: no pickle, no YAML but the safe one, nothing imported by a name from a file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import REPOSITORY

from embtune.config import load_config
from embtune.errors import ConfigError

SOURCES = sorted((REPOSITORY / "embtune").rglob("*.py"))
# modules whose loaders run what they read
RUNNING = frozenset({"pickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle", "runpy"})
CALLS = frozenset({"eval", "exec", "compile", "__import__", "os.system", "os.popen"})
IMPORTS_BY_NAME = ("import_module", "spec_from_file_location", "exec_module", "load_module")
# who imports by a name that is not written there: the tables of commands, losses, modifiers and conversions; plugins
IMPORTERS = frozenset(
    {
        "embtune/cli/app.py",
        "embtune/catalog/registry.py",
        "embtune/modifiers/build.py",
        "embtune/data/converting.py",
    }
)
PLUGINS = frozenset({"embtune/catalog/plugins.py"})


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def calls_of(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """The dotted name of each call, and its node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keywords(node: ast.Call) -> dict[str | None, str]:
    return {each.arg: ast.unparse(each.value) for each in node.keywords}


def faults_in(tree: ast.Module) -> list[str]:
    """The imports and calls that could run what a stranger wrote."""
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    found = [f"import {name}" for name in modules if name.split(".")[0] in RUNNING]
    return found + [f"line {node.lineno}: {name}" for name, node in calls_of(tree) if could_run_code(name, node)]


def could_run_code(name: str, node: ast.Call) -> bool:
    given, last = keywords(node), name.rpartition(".")[2]
    loads_yaml = name.startswith("yaml.") and last in ("load", "load_all", "unsafe_load", "full_load")
    return any(
        (
            name in CALLS,
            name == "torch.load" and given.get("weights_only") != "True",
            given.get("allow_pickle", "False") != "False",
            given.get("use_safetensors", "True") != "True",
            given.get("trust_remote_code") == "True",
            given.get("shell", "False") != "False",
            loads_yaml and given.get("Loader") not in ("yaml.SafeLoader", "CoreLoader"),
        )
    )


def test_nothing_that_is_read_can_run_code() -> None:
    names = {path: str(path.relative_to(REPOSITORY)) for path in SOURCES}
    assert not {
        name: found for path, name in names.items() if name not in PLUGINS and (found := faults_in(parsed(path)))
    }


def test_modules_are_imported_by_name_in_known_places_only() -> None:
    found = {
        str(path.relative_to(REPOSITORY))
        for path in SOURCES
        for name, node in calls_of(parsed(path))
        if name.rpartition(".")[2] in IMPORTS_BY_NAME and not (node.args and isinstance(node.args[0], ast.Constant))
    }
    assert found == IMPORTERS | PLUGINS


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
        "AutoModel.from_pretrained(name, use_safetensors=False)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
    ],
)
def test_what_could_run_code_is_seen(line: str) -> None:
    assert faults_in(ast.parse(line))


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch ran']",
        "!!python/object/new:subprocess.check_output [[touch, ran]]",
        "!!python/name:os.system",
        "!!python/module:antigravity",
        "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch ran']",
    ],
)
def test_yaml_runs_no_code(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(f"output_dir: {value}\n")
    with pytest.raises(ConfigError, match="yaml-tag"):
        load_config("c.yaml")
    assert not (tmp_path / "ran").exists()


def test_only_named_plugins_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python files beside a config are left alone, whatever they are called."""
    monkeypatch.chdir(tmp_path)
    for name in ("my_losses.py", "conftest.py", "sitecustomize.py", "embtune_plugins.py", "yaml.py"):
        (tmp_path / name).write_text("import pathlib\npathlib.Path('ran').touch()\n")
    text = "output_dir: r\nmodel: {name_or_path: m}\ndata: {train: [{path: a.jsonl}]}\nloss: cosent\n"
    (tmp_path / "c.yaml").write_text(text)
    load_config("c.yaml")
    assert not (tmp_path / "ran").exists()
    (tmp_path / "c.yaml").write_text(f"{text}plugins: [my_losses.py]\n")
    with pytest.raises(ConfigError):  # it holds no loss, and was run to find out
        load_config("c.yaml")
    assert (tmp_path / "ran").exists()

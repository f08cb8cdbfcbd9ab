"""What an installed embtune is: one version, one command, the names it exports, every file it needs."""

from __future__ import annotations

import importlib.metadata
import tomllib

import pytest
from command import REPOSITORY, run_embtune

import embtune

DECLARED = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def test_version_is_the_same_everywhere() -> None:
    assert importlib.metadata.version("embtune") == embtune.__version__
    assert run_embtune("--version").stdout.split()[-1] == embtune.__version__


def test_changelog_ends_at_this_version_or_before() -> None:
    headings = [
        line for line in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line[:3] == "## "
    ]
    assert headings[0] == "## [Unreleased]"
    assert len(headings) == 1 or headings[1].startswith(f"## [{embtune.__version__}]")


def test_console_script_is_the_command_line() -> None:
    scripts = importlib.metadata.entry_points(group="console_scripts", name="embtune")
    assert [script.value for script in scripts] == ["embtune.cli.app:main"]


def test_exported_names_are_importable_and_sorted() -> None:
    assert embtune.__all__ == sorted(embtune.__all__)
    assert all(hasattr(embtune, name) for name in embtune.__all__)


@pytest.mark.parametrize("room", ["catalog", "config", "losses"])
def test_rooms_export_what_they_list(room: str) -> None:
    module = importlib.import_module(f"embtune.{room}")
    assert module.__all__ == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_every_dependency_is_pinned_in_the_constraints() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normal(line.partition("==")[0]) for line in lines if not line.startswith("#")}
    extras = DECLARED["project"]["optional-dependencies"].values()
    wanted = [*DECLARED["project"]["dependencies"], *(requirement for extra in extras for requirement in extra)]
    names = {normal(requirement) for requirement in wanted} - {"embtune"}
    assert names <= pinned


def test_constraints_name_versions_and_no_place() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    versions = [line for line in lines if not line.startswith("#")]
    assert not [line for line in versions if "==" not in line or "/" in line or "+" in line]
    assert "torch==2.13.0" in versions


def normal(requirement: str) -> str:
    """The name of a requirement, spelled as packages are compared."""
    name = requirement.strip()
    for mark in "<>=![ ;":
        name = name.partition(mark)[0]
    return name.lower().replace("_", "-").replace(".", "-")

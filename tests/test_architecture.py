"""The shape of the code, read from its source: who imports whom, what the engine may know, how long things are."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import REPOSITORY, imported_packages

from embtune.catalog import all_specs
from embtune.catalog.choices import Similarity

PACKAGE = REPOSITORY / "embtune"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTED_FOLDERS = ("embtune", "tests", "scripts")

# Room -> the rooms it may import. `errors`, `files` and `world` are open to all. Whatever is not listed is refused.
FOUNDATION = frozenset({"embtune", "errors", "files", "world"})
DECLARATIONS = frozenset({"catalog", "config"})
PARTS = frozenset({"data", "model", "losses", "modifiers"})
MAY_IMPORT: dict[str, frozenset[str]] = {
    "embtune": frozenset(),
    "errors": frozenset(),
    "files": frozenset(),
    "world": frozenset(),
    "catalog": frozenset(),
    "config": frozenset({"catalog"}),
    "data": DECLARATIONS,
    "model": DECLARATIONS,
    "losses": frozenset({"catalog"}),
    "modifiers": frozenset({"catalog", "losses"}),
    "train": DECLARATIONS | PARTS,
    "evaluate": DECLARATIONS | PARTS,
    "report": DECLARATIONS | PARTS,
    "pipeline": DECLARATIONS | PARTS | {"train", "evaluate", "report"},
    "cli": DECLARATIONS | PARTS | {"train", "evaluate", "report", "pipeline"},
    "__main__": frozenset({"cli"}),
}
ENGINE = [*(PACKAGE / room for room in ("train", "pipeline", "model", "data")), PACKAGE / "cli" / "train.py"]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "embtune" if parts == ("__init__",) else parts[0]


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Every module imported anywhere in `tree`, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute here"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    own = [name.split(".") for name in imports_of(parsed(path)) if name.split(".")[0] == "embtune"]
    return {parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else "embtune" for parts in own}


def relative(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def python_files() -> list[Path]:
    return [path for folder in TESTED_FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py"))]


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_imports_go_down_only() -> None:
    upward = [
        f"{relative(path)} imports {room}"
        for path in SOURCES
        for room in sorted(rooms_imported(path) - FOUNDATION - MAY_IMPORT[room_of(path)] - {room_of(path)})
    ]
    assert not upward


def test_every_room_has_its_place_in_the_table() -> None:
    assert {room_of(path) for path in SOURCES} <= set(MAY_IMPORT)


def test_the_engine_names_no_loss() -> None:
    engine = [path for place in ENGINE for path in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    names = {spec.name for spec in all_specs()}
    # "cosine" is a loss's alias, but in the engine it is a similarity
    aliases = {spec.alias for spec in all_specs()} - {similarity.value for similarity in Similarity}
    modules = {spec.implementation.partition(":")[0] for spec in all_specs()}
    found = []
    for path in engine:
        text, tree = path.read_text(encoding="utf-8"), parsed(path)
        literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        found += [f"{relative(path)}: {name}" for name in sorted(names) if name in text]
        found += [f"{relative(path)}: {alias!r}" for alias in sorted(aliases & literals)]
        found += [f"{relative(path)}: import {module}" for module in sorted(modules & set(imports_of(tree)))]
    assert not found


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["schema"], ["list-losses"], ["validate", "configs/quickstart.yaml"]],
    ids=" ".join,
)
def test_fast_commands_import_nothing_heavy(arguments: list[str]) -> None:
    assert not imported_packages(*arguments) & {"torch", "transformers", "datasets", "numpy"}


def test_files_are_short() -> None:
    lines = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert not {path: count for path, count in lines.items() if count > 400}
    own = [count for path, count in lines.items() if path.startswith("embtune") and not path.endswith("__init__.py")]
    assert statistics.median(own) <= 110


def test_function_bodies_are_short() -> None:
    long = []
    for path in python_files():
        for function in functions_of(parsed(path)):
            body = function.body[1:] if ast.get_docstring(function) else function.body
            if body and (body[-1].end_lineno or 0) - body[0].lineno + 1 >= 70:
                long.append(f"{relative(path)}:{function.lineno} {function.name}")
    assert not long


def test_everything_is_annotated() -> None:
    bare = []
    for path in SOURCES:
        for function in functions_of(parsed(path)):
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            named = [argument for argument in arguments if argument.arg not in ("self", "cls")]
            if function.returns is None or any(argument.annotation is None for argument in named):
                bare.append(f"{relative(path)}:{function.lineno} {function.name}")
    assert not bare


def test_public_names_have_docstrings() -> None:
    with_docs, without = 0, []
    for path in SOURCES:
        for name, node in public_definitions(parsed(path), relative(path)):
            if ast.get_docstring(node):
                with_docs += 1
            else:
                without.append(name)
    assert with_docs >= 0.95 * (with_docs + len(without)), without


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public_definitions(node: Documented, name: str) -> Iterator[tuple[str, Documented]]:
    """The module, and every public class, function and method in it that others can reach."""
    yield name, node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name[0] != "_":
            yield from public_definitions(child, f"{name}:{child.lineno} {child.name}")

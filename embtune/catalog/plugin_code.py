"""The code of plugins: which files it is in, what its hash is, and whose fault an exception in it is."""

from __future__ import annotations

import ast
import linecache
import sys
import traceback
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType

from embtune.catalog.spec import LossSpec
from embtune.errors import Location, Problem

_OWN = __name__.partition(".")[0]


def own_spec(found: type) -> LossSpec | None:
    """The entry in the body of a class, if there is one."""
    spec = vars(found).get("spec")
    return spec if isinstance(spec, LossSpec) else None


def code_hash(sources: dict[Path, tuple[bytes, str]]) -> str:
    """SHA-256, hexadecimal, of these files and of every module in their folders that they import, directly or not.

    Args:
        sources: file -> what was run of it, and the package that relative imports start from.
    """
    found = {path: source for path, (source, _) in sources.items()}
    waiting = list(sources.items())
    while waiting:
        path, (source, package) = waiting.pop()
        for name in _imported_names(source, package):
            module = sys.modules.get(name)
            file = Path(module.__file__) if module and module.__file__ else None
            if module is not None and file and file not in found and file.is_relative_to(path.parent):
                found[file] = file.read_bytes()
                waiting.append((file, (found[file], module.__package__ or "")))
    return sha256(b"".join(found[path] for path in [*sources, *sorted(found.keys() - sources.keys())])).hexdigest()


def _imported_names(source: bytes, package: str) -> Iterator[str]:
    """Every module that the code may import, with the packages that it lies in."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (package or not node.level):
            base = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def plugin_fault(error: BaseException) -> Problem | None:
    """The exception as a problem of the plugin whose code it came through last; None where it came through none."""
    frames = [frame for frame in traceback.walk_tb(error.__traceback__) if _is_of_plugin(frame[0].f_globals)]
    if not frames:
        return None
    frame, line = frames[-1]
    file = frame.f_code.co_filename
    text = " ".join(str(error).split()) or "no message"
    source = linecache.getline(file, line).rstrip() or None
    hint = "this is the code of a plugin, or what it calls; --traceback shows the way there"
    indent = len(source) - len(source.lstrip()) if source else 0
    place = Location(file, line, indent + 1)
    return Problem("plugin-failed", f"{type(error).__name__}: {text}", place, hint, source, len((source or "").strip()))


def _is_of_plugin(names: dict[str, object]) -> bool:
    """Whether these are the names of a module that is not embtune's and holds a loss."""
    if str(names.get("__name__")).partition(".")[0] == _OWN:
        return False
    return any(isinstance(value, type) and own_spec(value) for value in list(names.values()))


def package_of(module: ModuleType | None) -> str:
    """What relative imports in the module start from."""
    return (module.__package__ or "") if module else ""

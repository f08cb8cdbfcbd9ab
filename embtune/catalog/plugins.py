"""Losses of one's own: Python files, importable modules, and packages that declare entry points `embtune.losses`.

A loss in one of these is a class that has its entry in its body, `spec = LossSpec(...)`. Such code is run when it is
loaded, and may import what it likes; a file is hashed and run as one, so that the hash is of what ran.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from embtune.catalog.plugin_code import code_hash, own_spec, package_of
from embtune.catalog.spec import Coupling, LossSpec
from embtune.errors import ConfigError

GROUP = "embtune.losses"
FILE_SUFFIX = ".py"
_HINT = "a loss is a class with 'spec = LossSpec(...)' in it; CONTRIBUTING shows the shortest"
_WHERE = "a plugin is a Python file, from the config's folder on, or a module that can be imported"
COUPLING_HINT = "write coupling = spec.coupling in the class"
T = TypeVar("T")


def coupling_differs(spec: LossSpec, own: Coupling) -> str:
    """What is wrong where an entry declares another coupling than its class has."""
    declared = "none" if spec.coupling is None else spec.coupling.name
    return f"{spec.name} declares the coupling {declared}, and its class has {own.name}"


@dataclass(frozen=True)
class Plugin:
    """Losses that do not come with embtune.

    name: as the user wrote it, or the package and its entry point.
    specs: at least one, each with its implementation filled in.
    sha256: hexadecimal, of the files that hold the classes and of what these import from their own folders.
    """

    name: str
    specs: tuple[LossSpec, ...]
    sha256: str


def is_plugin(word: str) -> bool:
    """Whether a word that may name a loss is a file or a module with losses: no loss has a dot in its name."""
    return "." in word


def load_plugin(name: str, folder: Path) -> Plugin:
    """The losses of a Python file, found from `folder` on, or of an importable module.

    Raises:
        ConfigError: it is not there, cannot be imported, or holds no loss, or one that is not whole.
    """
    if not name.endswith(FILE_SUFFIX):
        return _plugin(name, vars(_module(name, folder)).values())
    path = folder / Path(name).expanduser()
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigError.of("missing-plugin", f"{name} cannot be read: {error.strerror}", _WHERE) from error
    return _plugin(name, vars(_file_module(name, path, source)).values(), {path: (source, "")})


def installed_plugins() -> Iterator[Plugin]:
    """Those of installed packages, by the name of their entry point.

    Raises:
        ConfigError: as `load_plugin`; the message names the package.
    """
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        name = f"package {point.dist.name if point.dist else '?'} (entry point {point.name} = {point.value})"
        found: object = _imported(name, "", point.load)
        yield _plugin(name, vars(found).values() if isinstance(found, ModuleType) else [found])


def _module(name: str, folder: Path) -> ModuleType:
    try:
        return _imported(name, "", lambda: import_module(name))
    except ConfigError as error:
        if isinstance(error.__cause__, ModuleNotFoundError) and f"{name}.".startswith(f"{error.__cause__.name}."):
            is_file = (folder / f"{name}{FILE_SUFFIX}").is_file()
            hint = f"did you mean '{name}{FILE_SUFFIX}'?" if is_file else _WHERE
            raise ConfigError.of("missing-plugin", f"no module is named {name!r}", hint) from error
        raise


def _file_module(name: str, path: Path, source: bytes) -> ModuleType:
    # one module for one content: a config that is loaded twice has the same classes
    module_name = f"embtune_plugin_{sha256(str(path).encode() + source).hexdigest()[:16]}"
    if module_name not in sys.modules:
        _imported(name, str(path), lambda: _run(module_name, path, source))
    return sys.modules[module_name]


def _run(module_name: str, path: Path, source: bytes) -> None:
    module = ModuleType(module_name)
    module.__file__ = str(path)
    sys.modules[module_name] = module  # pydantic looks annotations up in the module of their class
    try:
        exec(compile(source, str(path), "exec"), vars(module))
    except BaseException:
        del sys.modules[module_name]
        raise


def _imported(name: str, file: str, load: Callable[[], T]) -> T:
    """What `load` gives; what it prints goes to stderr, because stdout is for data."""
    try:
        with redirect_stdout(sys.stderr):
            return load()
    except (Exception, SystemExit) as error:
        what = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
        message = f"{name} cannot be imported: {_line(error, file)}{type(error).__name__}: {what}"
        raise ConfigError.of("broken-plugin", message, "--traceback shows more") from error


def _line(error: BaseException, file: str) -> str:
    """`my_losses.py:7: `, the last line of the plugin's own that took part, or of anything where it is no file."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno}: "
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}: "


def _plugin(name: str, values: Iterable[object], sources: dict[Path, tuple[bytes, str]] | None = None) -> Plugin:
    classes = [value for value in dict.fromkeys(filter(inspect.isclass, values)) if own_spec(value)]
    if not classes:
        raise ConfigError.of("no-loss-in-plugin", f"{name} defines no loss", _HINT)
    specs = [_checked(name, found) for found in classes]
    return Plugin(name, _linked(specs), code_hash(sources or _sources(classes)))


def _linked(specs: Sequence[LossSpec]) -> tuple[LossSpec, ...]:
    """Entries that preset another one of the same plugin know it; those of others the catalogue finds."""
    by_name = {spec.name: spec for spec in specs}
    return tuple(replace(spec, target=by_name.get(spec.resolves_to or "")) for spec in specs)


def _sources(classes: Sequence[type]) -> dict[Path, tuple[bytes, str]]:
    files = {Path(inspect.getfile(found)): package_of(inspect.getmodule(found)) for found in classes}
    return {path: (path.read_bytes(), files[path]) for path in sorted(files)}


def _checked(name: str, found: type) -> LossSpec:
    """The class's entry with the class in it.

    Raises:
        ConfigError: the class lacks methods, or the entry contradicts itself.
    """
    spec = own_spec(found)
    assert spec is not None, "classes without an entry were left out"
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    missing += [method for method in ("build",) if not callable(getattr(found, method, None))]
    if missing and spec.resolves_to is None:  # what presets another loss needs no code
        raise ConfigError.of("broken-plugin", f"{name}: the class {found.__name__} lacks {', '.join(missing)}", _HINT)
    if spec.is_modifier is not (spec.coupling is None):
        message = f"{name}: {spec.name} is {'a modifier with' if spec.is_modifier else 'a loss without'} a coupling"
        raise ConfigError.of("broken-plugin", message, "a loss has one, ROWS or BATCH; a modifier has None")
    own = vars(found).get("coupling")
    if isinstance(own, Coupling) and own is not spec.coupling:
        raise ConfigError.of("broken-plugin", f"{name}: {coupling_differs(spec, own)}", COUPLING_HINT)
    return replace(spec, implementation=f"{found.__module__}:{found.__qualname__}")

"""From a path to a checked config, or to all of its mistakes at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from embtune.catalog import Catalogue
from embtune.config.checks import cross_checks, not_available
from embtune.config.files import STDIN, STDIN_NAME, FileReader, Unreadable
from embtune.config.loaded import LoadedConfig
from embtune.config.messages import refused_nulls, schema_problems
from embtune.config.overrides import apply_overrides
from embtune.config.paths import with_absolute_paths
from embtune.config.plugins import load_plugins
from embtune.config.schema import RunConfig
from embtune.config.tree import COMMAND_LINE, Node
from embtune.errors import ConfigError, Problem


def load_config(
    path: Path | str,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    stdin: TextIO | None = None,
) -> LoadedConfig:
    """Read, merge and check a config.

    Precedence: defaults < what the file extends < the file < `overrides`.

    Args:
        path: the file; `-` is standard input.
        overrides: `a.b=value` each, the value read as YAML. `a.b=null` is null where the key can be null, and puts the
            default back where it cannot.
        environ: variables for `${env:NAME}`; none unless given.
        stdin: read for `-`; the process's own by default.

    Raises:
        ConfigError: with every problem of every file and override, each located.
    """
    environ = environ or {}
    reader = FileReader(environ, stdin)
    try:
        root, text = reader.read(str(path))
    except Unreadable as unreadable:
        raise ConfigError(unreadable.problem) from None
    if root is None:
        raise ConfigError(reader.problems)
    overridden = apply_overrides(root, overrides, environ)
    root = overridden.root
    plugins = load_plugins(root)
    config, found = _check(root, plugins.catalogue) if reader.complete else (None, [])
    problems = _in_order([*reader.problems, *overridden.problems, *plugins.problems, *plugins.worth_telling(found)])
    if problems or config is None:
        raise ConfigError(problems) from plugins.cause
    name, folder = (STDIN_NAME, Path.cwd()) if str(path) == STDIN else (str(path), Path(path).absolute().parent)
    variables = reader.variables | overridden.variables
    return LoadedConfig(config, text, name, folder, root, plugins.catalogue, plugins.loaded, variables)


def _check(root: Node, catalogue: Catalogue) -> tuple[RunConfig | None, list[Problem]]:
    """The config, or the problems of schema and cross-checks."""
    root, problems = not_available(_unset_refused_nulls(root, catalogue))
    problems += cross_checks(root, catalogue)
    try:
        return RunConfig.model_validate(with_absolute_paths(root).plain(), context=catalogue), problems
    except ValidationError as error:
        return None, [*schema_problems(error, root, catalogue), *problems]


def _unset_refused_nulls(root: Node, catalogue: Catalogue) -> Node:
    """Put the default back where `--set key=null` names a key that cannot be null."""
    nulls = [path for path, node in root.walk() if path and node.value is None and node.place.path == COMMAND_LINE]
    if not nulls:
        return root
    try:
        RunConfig.model_validate(root.plain(), context=catalogue)
    except ValidationError as error:
        refused = refused_nulls(error, root)
        for path in reversed(nulls):  # from the end, so that indices before stay what they are
            root = root.without(path) if path in refused else root
    return root


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """File by file in the order they were read, each from top to bottom; the command line last."""
    problems = list(problems)
    files = list(dict.fromkeys(problem.location.path for problem in problems if problem.location))
    files.sort(key=lambda name: name == COMMAND_LINE)

    def position(problem: Problem) -> tuple[int, int, int]:
        where = problem.location
        return (files.index(where.path), where.line or 0, where.column or 0) if where else (-1, 0, 0)

    return sorted(problems, key=position)

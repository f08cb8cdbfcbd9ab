"""The losses that a config brings along: `plugins:` loaded before anything of the config is judged."""

from __future__ import annotations

from dataclasses import dataclass

from embtune.catalog import Catalogue, installed
from embtune.catalog.plugins import Plugin, load_plugin
from embtune.config.tree import Node, dotted, place_of
from embtune.errors import ConfigError, Problem

UNKNOWN_LOSS = "unknown-loss"


@dataclass(frozen=True)
class Plugins:
    """What was loaded, and what went wrong with the rest.

    catalogue: the installed losses and those of the plugins.
    cause: the first exception, for those who ask for a traceback.
    """

    catalogue: Catalogue
    loaded: tuple[Plugin, ...] = ()
    problems: tuple[Problem, ...] = ()
    cause: BaseException | None = None

    def worth_telling(self, problems: list[Problem]) -> list[Problem]:
        """The problems of the rest of the config: a loss is not unknown where a plugin that may have it is broken."""
        return [problem for problem in problems if not (self.problems and problem.code == UNKNOWN_LOSS)]


def load_plugins(root: Node) -> Plugins:
    """Load each entry of `plugins:` that is text; the schema tells of others. A file is looked for from its config on.

    Raises:
        ConfigError: an installed package's losses cannot be loaded.
    """
    catalogue, loaded, problems, cause = installed(), list[Plugin](), list[Problem](), None
    written = root.find(("plugins",))
    for number, node in enumerate(written.items if written else ()):
        if not isinstance(node.value, str) or not node.known or not node.value:
            continue
        try:
            plugin = load_plugin(node.value, node.folder)
            catalogue = catalogue.joined(plugin.specs)
            loaded.append(plugin)
        except ConfigError as error:
            cause = cause or error
            problems += [_located(root, number, problem) for problem in error.problems]
    return Plugins(catalogue, tuple(loaded), tuple(problems), cause)


def _located(root: Node, number: int, problem: Problem) -> Problem:
    path = ("plugins", number)
    return place_of(root, path).problem(problem.code, f"{dotted(path)}: {problem.message}", problem.hint)

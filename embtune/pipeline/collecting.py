"""Mistakes found while a config's parts are read: each at its key, and all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from embtune.config import LoadedConfig
from embtune.errors import ConfigError, DataError, EmbtuneError, Location, ModelError, Problem, RunDirectoryError

Key = tuple[str | int, ...]
T = TypeVar("T")


@contextmanager
def located(loaded: LoadedConfig, key: Key) -> Iterator[None]:
    """Give problems without a place of their own that of a key of the config."""
    try:
        yield
    except (ConfigError, DataError, ModelError, RunDirectoryError) as error:
        raise type(error)([_placed(loaded, key, problem) for problem in error.problems]) from error


@contextmanager
def located_at(path: str) -> Iterator[None]:
    """Give problems without a place of their own a file's, or another that the command line names."""
    try:
        yield
    except (ConfigError, DataError) as error:
        raise type(error)(
            [replace(each, location=each.location or Location(path)) for each in error.problems]
        ) from error


@contextmanager
def blamed_on(loaded: LoadedConfig, key: Key) -> Iterator[None]:
    """Give all problems the place of a key of the config; a place that they have, in a model's files, is told too."""
    try:
        yield
    except (ConfigError, ModelError) as error:
        raise type(error)([_blamed(loaded, key, problem) for problem in error.problems]) from error


def _blamed(loaded: LoadedConfig, key: Key, problem: Problem) -> Problem:
    message = f"{problem.location}: {problem.message}" if problem.location else problem.message
    return loaded.problem(key, problem.code, message, problem.hint)


def _placed(loaded: LoadedConfig, key: Key, problem: Problem) -> Problem:
    return problem if problem.location else loaded.problem(key, problem.code, problem.message, problem.hint)


def all_of(actions: Iterable[Callable[[], T]]) -> tuple[T, ...]:
    """Do all actions, then raise the problems of all.

    Raises:
        ConfigError: any of them raised one; the config is mended first.
        DataError: any of them raised one, and none a ConfigError.
    """
    done: list[T] = []
    errors: list[EmbtuneError] = []
    for action in actions:
        try:
            done.append(action())
        except (ConfigError, DataError) as error:
            errors.append(error)
    if errors:
        problems = [problem for error in errors for problem in error.problems]
        raise (ConfigError if any(isinstance(error, ConfigError) for error in errors) else DataError)(problems)
    return tuple(done)

"""A dataset as a command line describes it: where it is, what it is made into, and `--set` for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from embtune.catalog.conversions import Target
from embtune.catalog.nearest import nearest
from embtune.config.overrides import apply_overrides
from embtune.config.sections.convert import ConvertConfig
from embtune.config.sections.data import EvalDatasetConfig, name_of
from embtune.config.tree import COMMAND_LINE, Node, Place
from embtune.errors import Location, Problem, UsageError

_COLUMNS = "columns"
_KEYS = (*(key for key in ConvertConfig.model_fields if key != "to"), _COLUMNS)


def dataset_from_options(path: str, to: str, overrides: Sequence[str]) -> EvalDatasetConfig:
    """The dataset at `path`, with `convert` made of `to` and `overrides`, which may also declare `columns`.

    Raises:
        UsageError: `to` is no format that can be made, or keys and values that are none of these; all at once.
    """
    found = apply_overrides(Node({}, Place(COMMAND_LINE), Path.cwd()), overrides, {})
    values = found.root.plain()
    assert isinstance(values, dict), "keys were set in a section"
    problems = [*found.problems, *(_unknown(key) for key in values if key not in _KEYS)]
    if to not in set(Target):
        problems.insert(0, _no_format(to))
    elif not problems:
        columns = values.pop(_COLUMNS, None)
        try:
            entry = {"name": name_of(path), "path": path, "columns": columns, "convert": {"to": to, **values}}
            return EvalDatasetConfig.model_validate(entry)
        except ValidationError as error:
            problems = [_bad_value(details["loc"], details["msg"]) for details in error.errors()]
    raise UsageError(problems)


def _no_format(word: str) -> Problem:
    guess = nearest(word, Target)
    hint = f"did you mean {str(guess)!r}?" if guess else f"formats are {', '.join(Target)}"
    return _problem("unknown-format", f"--to: nothing is called {word!r}", hint)


def _unknown(key: str) -> Problem:
    guess = nearest(key, _KEYS)
    hint = f"did you mean {guess!r}?" if guess else f"the keys are {', '.join(_KEYS)}"
    return _problem("unknown-key", f"--set: unknown key {key!r}", hint)


def _bad_value(place: Sequence[str | int], message: str) -> Problem:
    key = ".".join(str(part) for part in place if part != "convert")
    return _problem("bad-value", f"--set {key}: {message[:1].lower()}{message[1:]}", None)


def _problem(code: str, message: str, hint: str | None) -> Problem:
    return Problem(code, message, Location(COMMAND_LINE), hint)

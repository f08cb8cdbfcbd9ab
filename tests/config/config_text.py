"""Reading a text as if it were a config file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import pytest

from embtune.config import LoadedConfig, load_config
from embtune.errors import ConfigError, Problem

BASE = "output_dir: r\nmodel: {name_or_path: m}\ndata: {train: [{path: a.jsonl}]}\nloss: cosent\n"
BASE_LINES = BASE.count("\n")


def load(text: str = BASE, *sets: str, environ: Mapping[str, str] | None = None) -> LoadedConfig:
    """The config that `text` is, with overrides."""
    return load_config("-", sets, environ, io.StringIO(text))


def problems_of(text: str, *sets: str, environ: Mapping[str, str] | None = None) -> Sequence[Problem]:
    """The problems of a text that is no valid config."""
    with pytest.raises(ConfigError) as raised:
        load(text, *sets, environ=environ)
    return raised.value.problems


def only_problem(text: str, *sets: str, environ: Mapping[str, str] | None = None) -> Problem:
    """The one problem of a text: one mistake is one error."""
    found = problems_of(text, *sets, environ=environ)
    assert len(found) == 1, "\n".join(problem.render() for problem in found)
    return found[0]


def excerpt(problem: Problem) -> str:
    """What the caret points at."""
    assert problem.source_line is not None, problem
    assert problem.location is not None, problem
    start = (problem.location.column or 1) - 1
    return problem.source_line[start : start + problem.caret_width]

"""Options that map roles to words, spelled as in a config: `--columns '{anchor: question, positive: answer}'`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from embtune.errors import Location, Problem, UsageError

ColumnsOption = Annotated[
    str | None,
    typer.Option("--columns", metavar="MAP", help="Role to column, as '{anchor: question, positive: answer}'."),
]
PromptsOption = Annotated[
    str | None,
    typer.Option("--prompts", metavar="MAP", help="Role to a prompt's name or text, as '{anchor: query}'."),
]


def columns_of(text: str | None) -> dict[str, str] | None:
    """Role to column, None where nothing was written.

    Raises:
        UsageError: it is no such map.
    """
    return None if text is None else _mapping("--columns", text, "{anchor: question, positive: answer}")


def prompts_of(text: str | None) -> Mapping[str, str]:
    """Canonical role to prompt; empty where nothing was written.

    Raises:
        UsageError: it is no such map, or has a word that is no role of a text.
    """
    from pydantic import TypeAdapter, ValidationError

    from embtune.catalog.frozen import RolePrompts

    if text is None:
        return {}
    found = _mapping("--prompts", text, '{anchor: query, positive: "passage: "}')
    try:
        adapter: TypeAdapter[dict[str, str]] = TypeAdapter(RolePrompts)
        return adapter.validate_python(found)
    except ValidationError as error:
        message = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise _refusal(
            "--prompts", message, "roles are anchor, positive, negative, text and text_1, text_2 ..."
        ) from error


def _mapping(option: str, text: str, example: str) -> dict[str, str]:
    from embtune.config.parsing import Source
    from embtune.config.tree import COMMAND_LINE

    hint = f"write {option} '{example}'"
    source = Source(COMMAND_LINE, text, Path.cwd(), {})
    node = source.read()
    if source.problems:
        raise _refusal(option, source.problems[0].message, hint)
    found = None if node is None else node.plain()
    if not isinstance(found, dict) or not found or not all(isinstance(word, str) for word in found.values()):
        raise _refusal(option, f"{text!r} maps no roles to words", hint)
    return {str(role): str(word) for role, word in found.items()}


def _refusal(option: str, message: str, hint: str) -> UsageError:
    from embtune.config.tree import COMMAND_LINE

    return UsageError(Problem("bad-map", f"{option}: {message}", Location(COMMAND_LINE), hint))

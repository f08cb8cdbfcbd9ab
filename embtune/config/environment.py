"""`${env:NAME}` and `${env:NAME:-default}`: the only interpolation. `$${env:NAME}` stands for the text itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"(?P<dollars>\$+)\{env:(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})?")


class BadReference(Exception):
    """A reference that cannot be replaced: `code`, message and remedy."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


def has_reference(text: str) -> bool:
    """Whether anything in the text would be replaced or unescaped."""
    return "${env:" in text


def is_one_reference(text: str) -> bool:
    """Whether the whole text is a single reference, so that its value is read like a word written there."""
    match = _REFERENCE.fullmatch(text)
    return match is not None and match["dollars"] == "$"


def interpolate(text: str, environ: Mapping[str, str]) -> str:
    """The text with each reference replaced. An empty variable counts as unset where there is a default.

    Raises:
        BadReference: a variable that is not set and has no default, or a malformed reference.
    """
    return _REFERENCE.sub(lambda match: _value(match, environ), text)


def variables_in(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables whose values `interpolate` puts into the text, defaults aside."""
    names = [match["name"] for match in _REFERENCE.finditer(text) if match["name"] and match["dollars"] == "$"]
    return {name: environ[name] for name in names if environ.get(name)}


def escape(text: str) -> str:
    """The text such that `interpolate` gives it back."""
    return re.sub(r"(\$+\{env:)", r"$\1", text)


def _value(match: re.Match[str], environ: Mapping[str, str]) -> str:
    if len(match["dollars"]) > 1:
        return match[0][1:]
    name, default = match["name"], match["default"]
    if name is None:
        raise BadReference("bad-value", "malformed ${env:...}", "write ${env:NAME} or ${env:NAME:-default}")
    value = environ.get(name)
    if value or (value is not None and default is None):
        return value
    if default is not None:
        return default
    hint = f"export {name}=..., or give a default: ${{env:{name}:-...}}"
    raise BadReference("missing-variable", f"the environment variable {name} is not set", hint)

"""What `${env:NAME}` gave is in no file that a run writes: there the reference stands, as in the config itself.

A variable may hold a token or a password, and run directories are shared. Short values hide nothing, and are left as
they are: in a log each "dev" would else become a reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import blake2b

SHORTEST = 8  # characters of a value that is hidden
_CHECKSUM_BYTES = 2  # enough to notice another value, and no help to who would guess it


def hide(text: str, variables: Mapping[str, str]) -> str:
    """The text with `${env:NAME}` wherever the value of a variable is, also as JSON spells it."""
    references: dict[str, str] = {}
    for name, value in variables.items():
        if len(value) >= SHORTEST:
            references[value] = references[json.dumps(value, ensure_ascii=False)[1:-1]] = f"${{env:{name}}}"
    if not references:
        return text
    longest_first = sorted(references, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: references[found[0]], text)


def hide_in(value: object, variables: Mapping[str, str]) -> object:
    """A plain value with every text in it so changed; keys are left alone."""
    if isinstance(value, dict):
        return {key: hide_in(below, variables) for key, below in value.items()}
    if isinstance(value, list):
        return [hide_in(item, variables) for item in value]
    return hide(value, variables) if isinstance(value, str) else value


def checksums(variables: Mapping[str, str]) -> dict[str, str]:
    """Four hexadecimal digits for each hidden value, so that a run that goes on with another one is noticed."""
    hidden = {name: value for name, value in sorted(variables.items()) if len(value) >= SHORTEST}
    return {
        name: blake2b(value.encode("utf-8", "surrogateescape"), digest_size=_CHECKSUM_BYTES).hexdigest()
        for name, value in hidden.items()
    }

"""What an unknown key was meant to be: a secret, a key of another section, a foreign name, a slip of the finger."""

from __future__ import annotations

import re
from dataclasses import replace

from embtune.catalog import Catalogue, nearest
from embtune.config.keys import LOSS_PLACES, keys_at, losses_with, pattern, sections, sections_with
from embtune.config.renames import Rename, find_rename
from embtune.config.scalars import write_yaml
from embtune.config.tree import COMMAND_LINE, Key, KeyPath, Node, dotted, place_of
from embtune.errors import Problem

_SECRET = re.compile(
    r"((^|hub_|hf_|api_|auth_|access_|bearer_|wandb_)token|password|passwd|secret|api_?key|(^|_)auth|credentials?)$"
)
_SECRET_HINT = "remove it; log in with 'hf auth login', or set HF_TOKEN in the environment"
_SHOWN = 60  # characters of a value that a remedy repeats


def unknown_key(root: Node, path: KeyPath, catalogue: Catalogue) -> Problem:
    """The problem of the key at the end of `path`, which its section does not know."""
    key, place = str(path[-1]), place_of(root, path, of_key=True)
    if _SECRET.search(key.lower().replace("-", "_")):
        # without the source line: it would put the secret into a log
        hidden = replace(place, source_line=None)
        return hidden.problem("secret-key", f"{dotted(path)}: no token or password is a key of a config", _SECRET_HINT)
    places = [name for name in sections_with(root, key, catalogue) if name != pattern(path[:-1])]
    if places:
        message = f"{dotted(path)}: {key!r} is no key of {_described(pattern(path[:-1]))}"
        belongs = " or ".join(_described(name) for name in places[:3])
        return place.problem("misplaced-key", message, f"it belongs under {belongs}")
    rename = find_rename(key)
    if rename:
        return _renamed(root, path, rename)
    return place.problem("unknown-key", f"{dotted(path)}: unknown key {key!r}", _guess(root, path, catalogue))


def may_mean(root: Node, path: KeyPath, catalogue: Catalogue) -> list[str]:
    """The keys, as patterns, that the unknown key at the end of `path` may have been meant to be."""
    key, section = str(path[-1]), pattern(path[:-1])
    rename = find_rename(key)
    near = nearest(key, keys_at(root, path[:-1], catalogue))
    keys = [f"{name}.{key}" for name in sections_with(root, key, catalogue)]
    keys += [rename.new] if rename and rename.new else []
    keys += [f"{section}.{near}"] if near else []
    return [word.removeprefix(".") for word in keys]


def _described(section: str) -> str:
    return f"'{section.replace('[]', '')}:'" if section else "the top level"


def _renamed(root: Node, path: KeyPath, rename: Rename) -> Problem:
    place, node = place_of(root, path, of_key=True), root.find(path)
    value = node.plain() if node else None
    line = rename.line(value) if len(write_yaml(value, flow=True)) <= _SHOWN else None
    if not rename.new:
        return place.problem("renamed-key", f"{dotted(path)}: there is no key {path[-1]!r}", rename.note)
    message = f"{dotted(path)}: {path[-1]!r} is called {rename.new!r} here"
    return place.problem("renamed-key", message, _line_to_write(line, rename, path, place.path == COMMAND_LINE))


def _line_to_write(line: tuple[str, str] | None, rename: Rename, path: KeyPath, on_command_line: bool) -> str:
    if line is None:
        known = ", ".join(dict.fromkeys(str(value) for value in rename.values.values()))
        return f"write {rename.new}" + (f", one of: {known}" if known else "")
    section, text = line
    if on_command_line:
        return f"write --set {rename.new}={text.partition(': ')[2]}"
    return f"write '{text}'" + ("" if section == dotted(path[:-1]) else f" under {_described(section)}")


def _guess(root: Node, path: KeyPath, catalogue: Catalogue) -> str:
    """The nearest key here, the nearest anywhere, or the list of those that there are."""
    key, here = str(path[-1]), keys_at(root, path[:-1], catalogue)
    guess = nearest(key, here)
    if guess:
        return f"did you mean {guess!r}?"
    elsewhere = nearest(key, (word for keys in sections().values() for word in keys))
    if elsewhere:
        return f"did you mean {elsewhere!r}, under {_described(sections_with(root, elsewhere, catalogue)[0])}?"
    foreign = losses_with(key, catalogue) if pattern(path[:-1]) in LOSS_PLACES else []
    if foreign:
        return f"it is a parameter of {', '.join(foreign)}"
    return f"the keys here are {', '.join(here)}" if here else "there are no keys here"


def below(path: KeyPath, other: KeyPath) -> bool:
    """Whether `other` is `path` or lies below it."""
    head: tuple[Key, ...] = other[: len(path)]
    return head == path

"""Whether two resolved configs describe the same run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

UNSET = object()  # "no such key", which is not null

FREE_KEYS = (
    "output_dir",
    "logging",
    "hub",
    "checkpoint.keep",
    "checkpoint.resume",
    "checkpoint.steps",
    "train.micro_batch_tokens",
    "train.gradient_cache",
    "train.compile",
    "train.parallel",
)
"""What may change when a run is continued: where it is, what is shown and kept, and how the machine is used. None of
these is part of the result."""


@dataclass(frozen=True)
class ChangedKey:
    """One value that differs; None stands for null, and a key that one side lacks is said to be unset."""

    key: str  # dotted, list items by number from 0: "data.train.0.path"
    old: object
    new: object

    def __str__(self) -> str:
        """`train.batch_size: 64 -> 128`."""
        return f"{self.key}: {_shown(self.old)} -> {_shown(self.new)}"


def changed_keys(old: object, new: object, ignore: Sequence[str] = ()) -> list[ChangedKey]:
    """Every leaf that differs between two configs of plain YAML values, in the order of `old`, then of `new`.

    Args:
        old: mappings, lists and scalars.
        new: likewise.
        ignore: dotted keys which, with all below them, may differ.
    """
    before, after = dict(_leaves(old)), dict(_leaves(new))
    keys = [key for key in before | after if not _ignored(key, ignore)]
    pairs = ((key, before.get(key, UNSET), after.get(key, UNSET)) for key in keys)
    return [ChangedKey(key, was, now) for key, was, now in pairs if not _same(was, now)]


def _leaves(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Dotted key and value of everything that is no filled mapping or list."""
    items: Iterator[tuple[object, object]]
    if isinstance(value, Mapping) and value:
        items = iter(value.items())
    elif isinstance(value, list) and value:
        items = iter(enumerate(value))
    else:
        yield key, value
        return
    for name, inner in items:
        yield from _leaves(inner, f"{key}.{name}" if key else str(name))


def _ignored(key: str, ignore: Sequence[str]) -> bool:
    return any(key == each or key.startswith(f"{each}.") for each in ignore)


def _same(old: object, new: object) -> bool:
    # True == 1 in Python; in a config they are two values
    return isinstance(old, bool) == isinstance(new, bool) and old == new


def _shown(value: object) -> str:
    if value is UNSET:
        return "unset"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else repr(value)

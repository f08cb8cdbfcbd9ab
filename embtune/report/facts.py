"""Facts with a label, aligned for people and keyed for scripts: the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embtune.report.events import json_value


@dataclass(frozen=True)
class Fact:
    """One line of a plan. `text` is how people read the value, where that differs from the value itself."""

    label: str
    value: object  # a JSON value
    text: str = ""

    @property
    def key(self) -> str:
        """The label as a key: `negatives per anchor` is `negatives_per_anchor`."""
        return self.label.replace(" ", "_").replace("-", "_").lower()

    @property
    def shown(self) -> str:
        """The value as people read it."""
        return self.text or quantity(self.value)


def quantity(value: object) -> str:
    """A value with thousands separated; null as a dash."""
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def aligned(facts: Sequence[Fact]) -> list[str]:
    """One line a fact, the values under each other; further lines of a text are indented to it."""
    width = max((len(fact.label) for fact in facts), default=0)
    continued = "\n" + " " * (width + 2)
    return [f"{fact.label:<{width}}  {fact.shown.replace(chr(10), continued)}" for fact in facts]


def as_mapping(facts: Sequence[Fact]) -> dict[str, object]:
    """Key to JSON value."""
    return {fact.key: json_value(fact.value) for fact in facts}

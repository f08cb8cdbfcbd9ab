"""Pairs of keys of which one is in force: the one that was written nearer to the user switches the other off."""

from __future__ import annotations

from embtune.config.sections.train import ALTERNATIVES
from embtune.config.tree import COMMAND_LINE, Node

_SECTION = "train"


def give_way(base: Node, over: Node) -> Node:
    """`base` without the keys whose alternatives `over` sets, so that `over` can be merged onto it.

    Both of a pair in one file, or both on the command line, are left alone: that is a mistake, and told as one.
    """
    for pair in ALTERNATIVES:
        for key, other in (pair, pair[::-1]):
            chosen, shadowed = over.find((_SECTION, key)), (_SECTION, other)
            sets = chosen is not None and chosen.value is not None
            if sets and over.find(shadowed) is None and base.find(shadowed) is not None:
                base = base.without(shadowed)
    return base


def command_line_wins(root: Node) -> Node:
    """The tree without the keys of files whose alternatives the command line sets."""
    for pair in ALTERNATIVES:
        for key, other in (pair, pair[::-1]):
            chosen, shadowed = root.find((_SECTION, key)), root.find((_SECTION, other))
            sets = chosen is not None and chosen.value is not None and chosen.place.path == COMMAND_LINE
            if sets and shadowed is not None and shadowed.place.path != COMMAND_LINE:
                root = root.without((_SECTION, other))
    return root

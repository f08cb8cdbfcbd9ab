"""Where a path of the config leads: relative ones start at the folder of the file that wrote them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from embtune.catalog.plugins import FILE_SUFFIX
from embtune.config.tree import Node

_SUFFIXES = frozenset({".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".txt", ".gz", ".zst"})


def resolve_data_path(path: str, folder: Path) -> str:
    """An absolute path for a file, glob or folder; a hub id is given back as it is.

    A path without a data suffix is taken for a hub id (`owner/name`) unless something of that name is there, or it
    starts with `.` or `~`.
    """
    if "://" in path or path == "-":
        return path
    expanded = Path(path).expanduser() if path.startswith("~/") else Path(path)
    absolute = folder / expanded
    is_local = expanded.is_absolute() or path.startswith(".") or any(letter in path for letter in "*?[")
    if is_local or expanded.suffix.lower() in _SUFFIXES or os.path.exists(absolute):
        return os.path.normpath(absolute)
    return path


def with_absolute_paths(root: Node) -> Node:
    """The tree with the paths of all data sets and plugins made absolute, each from the folder of its own file."""
    for path, _ in root.walk():
        if len(path) == 4 and (path[0], path[1] in ("train", "eval"), path[3]) == ("data", True, "path"):
            root = root.changed(path, _absolute)
        elif len(path) == 2 and path[0] == "plugins":
            root = root.changed(path, _absolute_plugin)
    return root


def _absolute(node: Node) -> Node:
    return replace(node, value=resolve_data_path(node.value, node.folder)) if isinstance(node.value, str) else node


def _absolute_plugin(node: Node) -> Node:
    """The name of a module stays as it is."""
    if not isinstance(node.value, str) or not node.value.endswith(FILE_SUFFIX):
        return node
    return replace(node, value=os.path.normpath(node.folder / Path(node.value).expanduser()))

"""Sentence Transformers' Router: one model for queries and one for documents, in one folder.

modules.json        its first module is the Router; what follows is put after both routes
router_config.json  "types": folder -> class, "structure": route -> folders of its modules; `config.json` in old folders
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from embtune.model.json_object import JsonObject

ROUTER_CONFIG = "router_config.json"
QUERY, DOCUMENT = "query", "document"
_OLD_CONFIG = "config.json"
_CLASSES = ("Router", "Asym")
_SPELLED = {QUERY: ("query",), DOCUMENT: ("document", "doc", "passage")}

Entries = list[JsonObject]  # modules in order, each with its `type` and `path`


def is_router(entry: JsonObject) -> bool:
    """Whether an entry of `modules.json` is of a Router."""
    package, _, name = (entry.text("type") or "").rpartition(".")
    return package.split(".")[0] == "sentence_transformers" and name in _CLASSES


def read_routes(folder: Path, path: str) -> tuple[Entries, Entries | None]:
    """The modules that embed documents, and those that embed queries: None where they are the same.

    Args:
        folder: of the Router.
        path: the same, from the model's folder on; the modules' paths start there.

    Raises:
        ModelError: a broken file, routes of another meaning, or routes that share some of their modules.
    """
    found = JsonObject.read(folder / (ROUTER_CONFIG if (folder / ROUTER_CONFIG).is_file() else _OLD_CONFIG))
    structure = JsonObject.of(found.path, found.values.get("structure"))
    queries, documents = (structure.words(_route(found, structure, task)) for task in (QUERY, DOCUMENT))
    if not queries or not documents:
        raise found.error("structure", "a route has no modules")
    if queries == documents:
        return _entries(found, documents, path), None
    if shared := [name for name in queries if name in documents]:
        raise found.error("structure", f"both routes share {shared[0]!r}", "Here their weights are trained apart.")
    return _entries(found, documents, path), _entries(found, queries, path)


def _route(found: JsonObject, structure: JsonObject, task: str) -> str:
    """The name of the route that texts of a task take."""
    parameters = JsonObject.of(found.path, found.values.get("parameters") or {})
    mapped = parameters.texts("route_mappings")
    wanted = [mapped.get(f"('{task}', {kind})") for kind in ("'text'", "None")]
    for name in (*wanted, *_SPELLED[task]):
        if name in structure.values:
            return str(name)
    there = ", ".join(structure.values) or "none"
    raise found.error("structure", f"no route is for a {task}", f"Its routes: {there}. Known are query and document.")


def _entries(found: JsonObject, names: tuple[str, ...], path: str) -> Entries:
    types = found.texts("types")
    return [
        JsonObject(found.path, {"type": types.get(name, ""), "path": str(PurePosixPath(path) / name)}) for name in names
    ]

"""What a model folder says a model is made of, before any weight is read. Knows every Sentence Transformers layout.

Old folders name classes as `sentence_transformers.models.Pooling`, those of release 6 by the module the class is in:
the class name is what counts. A folder without `modules.json` is a plain transformers model, or a model2vec one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from embtune.catalog.nearest import nearest
from embtune.errors import Location, ModelError
from embtune.model.json_object import JsonObject, check_files, read_json
from embtune.model.layout_parts import (
    DenseLayout,
    LayerLayout,
    NormalizeLayout,
    PoolingLayout,
    SettingsLayout,
    TransformerLayout,
    read_dense,
    read_normalize,
    read_pooling,
    read_settings,
    read_transformer,
)
from embtune.model.router_layout import Entries, is_router, read_routes

MODULES = "modules.json"


@dataclass(frozen=True)
class StaticLayout:
    """A table of token vectors with its tokenizer."""

    folder: Path


@dataclass(frozen=True)
class ModelLayout:
    """A model folder, described. `pooling` is None where the folder does not say (and for static models).

    queries: the model for queries, where the folder has another one for them.
    """

    root: Path
    encoder: TransformerLayout | StaticLayout
    pooling: PoolingLayout | None
    layers: tuple[LayerLayout, ...]
    settings: SettingsLayout
    queries: ModelLayout | None = None


def read_layout(root: Path) -> ModelLayout:
    """Describe the model in `root`.

    Raises:
        ModelError: it is no model folder, a file is broken, or a module is of a kind embtune does not know.
    """
    check_files(root)
    settings = read_settings(root)
    if not (root / MODULES).is_file():
        return ModelLayout(root, _plain(root), None, (), settings)
    documents, queries = _entries(root)
    of_queries = None if queries is None else ModelLayout(root, *_from_modules(root, queries), settings)
    return ModelLayout(root, *_from_modules(root, documents), settings, of_queries)


_Parts = tuple[TransformerLayout | StaticLayout, PoolingLayout | None, tuple[LayerLayout, ...]]


def _entries(root: Path) -> tuple[Entries, Entries | None]:
    """The modules, and those for queries where a Router parts the two."""
    path = root / MODULES
    found = read_json(path)
    if not isinstance(found, list) or not found:
        raise ModelError.of("broken-model", "expected a list of modules", None, Location(str(path)))
    first, *after = [JsonObject.of(path, entry) for entry in found]
    if not is_router(first):
        return [first, *after], None
    documents, queries = read_routes(_inside(root, first), first.text("path", "") or "")
    return documents + after, None if queries is None else queries + after


def _from_modules(root: Path, entries: Entries) -> _Parts:
    path = entries[0].path
    modules = [_module(root, entry) for entry in entries]
    encoder, *rest = modules
    if not isinstance(encoder, (TransformerLayout, StaticLayout)):
        raise _wrong_order(path, "the first module has to be a Transformer or a StaticEmbedding")
    first = rest[0] if rest else None
    pooling = first if isinstance(first, PoolingLayout) else None
    rest = rest[1:] if pooling else rest
    layers = tuple(module for module in rest if isinstance(module, (DenseLayout, NormalizeLayout)))
    if len(layers) < len(rest):
        raise _wrong_order(path, "after Transformer and Pooling only Dense and Normalize may follow")
    return encoder, pooling, layers


_Part = TransformerLayout | StaticLayout | PoolingLayout | LayerLayout


def _module(root: Path, entry: JsonObject) -> _Part:
    """One entry of `modules.json`, with what its folder says."""
    folder = _inside(root, entry)
    reader: dict[str, Callable[[Path], _Part]] = {
        "Transformer": read_transformer,
        "StaticEmbedding": StaticLayout,
        "Pooling": read_pooling,
        "Dense": read_dense,
        "Normalize": read_normalize,
    }
    full_name = entry.text("type") or ""
    package, _, name = full_name.rpartition(".")
    if package.split(".")[0] != "sentence_transformers" or name not in reader:
        raise entry.error("type", f"no module {full_name!r} is known here", _known(name, list(reader)))
    return reader[name](folder)


def _known(name: str, names: list[str]) -> str:
    near = nearest(name, names)
    guess = f"Did you mean {near}? " if near else ""
    return f"{guess}Known are {', '.join(names)}. Code that comes with a model is never run for its modules."


def _inside(root: Path, entry: JsonObject) -> Path:
    """The folder of a module, which must not lead out of `root`, by a link neither; its files may be links."""
    written = entry.text("path", "") or ""
    parts = PurePosixPath(written.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in written or _leads_out(root, root / parts):
        raise entry.error("path", f"{written!r} leads out of the model's folder", "A module is in a folder below it.")
    check_files(root / parts)
    return root / parts


def _leads_out(root: Path, folder: Path) -> bool:
    """Whether a folder is elsewhere, once all links are followed, or can be nowhere."""
    try:
        folder.exists()
        return not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root))
    except (OSError, ValueError):  # a name that is too long, or that no file can have
        return True


def _wrong_order(path: Path, message: str) -> ModelError:
    return ModelError.of("unsupported-model", message, None, Location(str(path)))


def _plain(root: Path) -> TransformerLayout | StaticLayout:
    """A folder without `modules.json`."""
    if not (root / "config.json").is_file():
        raise _no_model(root)
    config = JsonObject.read(root / "config.json")
    if config.text("model_type") == "model2vec" or "StaticModel" in config.words("architectures"):
        return StaticLayout(root)
    return read_transformer(root)


def _no_model(root: Path) -> ModelError:
    if (root / "adapter_config.json").is_file():
        message = "is an adapter, and so cannot be the base model of another"
        hint = "Merge it into its own base model first (peft: merge_and_unload)."
    else:
        message, hint = "is no model folder: neither modules.json nor config.json is in it", None
    return ModelError.of("no-model", message, hint, Location(str(root)))

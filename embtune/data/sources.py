"""What a data path means: a file, a glob, a folder, or a dataset on the hub."""

from __future__ import annotations

import difflib
import glob
import os
from dataclasses import dataclass
from pathlib import Path

from embtune.data.readers.formats import READABLE, FileKind, file_kind
from embtune.data.readers.hub import HubDataset, parse_hub_id
from embtune.data.row import refuse

_DATASETS_METADATA = {"dataset_info.json", "state.json", "dataset_dict.json"}  # beside the Arrow files of `datasets`


@dataclass(frozen=True)
class SourceFile:
    """A data file and its kind."""

    path: Path
    kind: FileKind


def find_source(text: str, base_dir: Path) -> list[SourceFile] | HubDataset:
    """Resolve a data path: its files in order of name, or the hub dataset it names.

    Args:
        text: the path as the user wrote it; relative ones are read from `base_dir`.

    Raises:
        ConfigError: nothing is there, or it is no data that embtune reads.
    """
    if not text.strip():
        refuse("missing-file", "the data path is empty", "name a file, a folder, a pattern or a hub dataset")
    try:
        return _resolve(text, base_dir / Path(text).expanduser())
    except (OSError, ValueError, RuntimeError) as error:  # too long a name, a null byte, no such ~user
        refuse("unreadable-file", f"the data path {text!r} cannot be used: {error}")


def _resolve(text: str, path: Path) -> list[SourceFile] | HubDataset:
    if path.is_dir():
        return _folder_files(path)
    if path.exists():
        return [_known_file(_regular(path))]
    if glob.has_magic(text):
        return _glob_files(text, path)
    dataset = parse_hub_id(text)
    if dataset and not path.parent.exists() and not file_kind(text):
        return dataset
    refuse("missing-file", f"no such file or folder: {path.absolute()}", _neighbours(path))


def has_retrieval_layout(path: str | Path) -> bool:
    """Whether a folder has the BEIR layout, or MTEB's: corpus and queries as files or folders, and a folder `qrels`."""
    folder = Path(path)
    if not os.path.isdir(folder / "qrels"):  # of any text: Path.is_dir raises where it is too long for a path
        return False
    return all(part_of_retrieval(folder, stem) for stem in ("corpus", "queries"))


def part_of_retrieval(folder: Path, stem: str) -> Path | None:
    """The data file, or the folder of such files, that holds `corpus` or `queries` of a retrieval set."""
    named = (path for path in sorted(folder.glob(f"{stem}*")) if path.name.partition(".")[0] == stem)
    return next((path for path in named if file_kind(path.name) or path.is_dir()), None)


def _regular(path: Path) -> Path:
    """The path, which may be read twice and to its end."""
    if not path.is_file():
        refuse("not-a-file", f"{path} is a pipe or a device", "write its content into a file first")
    return path


def _known_file(path: Path) -> SourceFile:
    kind = file_kind(path.name)
    if kind is None:
        refuse("unknown-extension", f"{path}: the name does not say which format this is", f"embtune reads {READABLE}")
    return SourceFile(path, kind)


def _glob_files(text: str, path: Path) -> list[SourceFile]:
    found = [file for file in map(Path, sorted(glob.glob(str(path), recursive=True))) if file.is_file()]
    if not found:
        hint = "* stays within one folder; ** crosses folders"
        refuse("missing-file", f"no file matches {text!r} ({path.absolute()})", hint)
    return [_known_file(file) for file in found]


def _folder_files(folder: Path) -> list[SourceFile]:
    """The data files right inside a folder; all must have one format, so that a licence text is never read as data."""
    if has_retrieval_layout(folder):
        message = f"{folder} is a retrieval set (corpus, queries, qrels): it has no rows to train on"
        refuse("retrieval-folder", message, "name it under data.eval, or write convert: pairs beside its path")
    names = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    kinds = ((path, file_kind(path.name)) for path in names if path.name not in _DATASETS_METADATA)
    files = [SourceFile(path, kind) for path, kind in kinds if kind]
    if not files:
        refuse("no-data-files", f"no data file in the folder {folder.absolute()}", _subfolders(folder))
    formats = sorted({file.kind.format.value for file in files})
    if len(formats) > 1:
        message = f"the folder {folder} holds files of several formats: {', '.join(formats)}"
        refuse("mixed-formats", message, f"name the files with a pattern, such as {folder / ('*.' + formats[0] + '*')}")
    return files


def _subfolders(folder: Path) -> str:
    """What to do about a folder without data files: perhaps the splits are one level down."""
    inside = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if inside:
        return f"it holds folders; name one: {', '.join(str(folder / name) for name in inside[:5])}"
    return f"embtune reads {READABLE}"


def _neighbours(path: Path) -> str | None:
    """The nearest names that do exist in the deepest folder of the path that does."""
    folder = next((parent for parent in path.parents if parent.is_dir()), None)
    if folder is None:
        return None
    wanted = path.relative_to(folder).parts[0]
    names = sorted(entry.name for entry in folder.iterdir())
    close = _alike(wanted, names)
    if close:
        return "did you mean " + " or ".join(str(folder / name) for name in close) + "?"
    data = [name for name in names if file_kind(name)]
    return f"{folder.absolute()} holds {', '.join(data[:5]) if data else 'no data file'}"


def _alike(wanted: str, names: list[str]) -> list[str]:
    """At most three names like `wanted`, extensions aside: these alone would make any two names alike."""
    by_stem: dict[str, list[str]] = {}
    for name in names:
        by_stem.setdefault(_stem(name), []).append(name)
    close = difflib.get_close_matches(_stem(wanted), by_stem, n=3, cutoff=0.6)
    return [name for stem in close for name in by_stem[stem]][:3]


def _stem(name: str) -> str:
    """The name up to its extensions; the whole name of a hidden file."""
    return name.partition(".")[0] or name

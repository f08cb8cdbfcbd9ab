"""Where a model is: on the hub, in a folder, or in an installed Python package. Ends in a local folder."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path, PurePosixPath

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from embtune.errors import ModelError

PACKAGE = "package:"
HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
LONGEST_HUB_ID = 96
WANTED = ["*.json", "*.txt", "*.model", "*.jinja"]
WEIGHTS = "*.safetensors"
_FETCH = "To fetch it from the hub, unset HF_HUB_OFFLINE."
UNWANTED = ["onnx/*", "openvino/*", "*.onnx"]


def find_folder(name: str, revision: str | None, with_code: bool, with_weights: bool = True) -> Path:
    """The local folder of a model, fetched from the hub if need be.

    Args:
        name: a folder, `package:NAME/FOLDER`, or a hub id. A folder that exists goes before a hub id.
        revision: branch, tag or commit; hub only.
        with_code: fetch the Python files that come with the model too.
        with_weights: fetch the weights too, and not only what describes them.

    Raises:
        ModelError: there is nothing of that name; the message says where it was looked for.
    """
    if name.startswith(PACKAGE):
        return _in_package(name.removeprefix(PACKAGE))
    folder = os.path.expanduser(name)  # os.path, not pathlib: no name whatever makes these raise
    if os.path.isdir(folder):
        return Path(folder)
    if os.path.isfile(folder):
        raise ModelError.of("no-model", f"{name} is a file, not a model's folder", "Name the folder it is in.")
    if len(name) > LONGEST_HUB_ID or not HUB_ID.fullmatch(name):
        message = f"there is no folder {name!r}, and a hub id looks like organisation/name"
        raise ModelError.of("no-model", message, _where_looked(folder))
    wanted = [*WANTED, *(["*.py"] if with_code else []), *([WEIGHTS] if with_weights else [])]
    return _on_hub(name, revision, wanted)


def _in_package(name: str) -> Path:
    package, _, inside = name.partition("/")
    if not package.isidentifier() or ".." in PurePosixPath(inside).parts:
        raise ModelError.of("no-model", f"{PACKAGE}{name} is not of the form {PACKAGE}NAME/FOLDER")
    spec = importlib.util.find_spec(package)  # finds a top-level package without running its code
    if spec is None:
        distribution = package.replace("_", "-")
        raise ModelError.of("no-package", f"no Python package {package!r} is installed", f"pip install {distribution}")
    places = [Path(place) / inside for place in spec.submodule_search_locations or ()]
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        raise ModelError.of("no-model", f"the package {package!r} is installed but has no folder {inside!r}")
    return folder


def _on_hub(name: str, revision: str | None, wanted: list[str]) -> Path:
    """Tries a bare name under the organisation `sentence-transformers` as well, as that library does."""
    candidates = [name] if "/" in name else [f"sentence-transformers/{name}", name]
    tried: list[str] = []
    for candidate in candidates:
        try:
            return _fetched(candidate, revision, wanted)
        except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
            tried.append(f"hub id {candidate!r} ({_reason(error)})")
    hint = f"{_where_looked(name)} {_FETCH if constants.HF_HUB_OFFLINE else ''}".rstrip()
    raise ModelError.of("no-model", f"no model {name!r}; tried the folder {name!r}, {', '.join(tried)}", hint)


def _where_looked(folder: str) -> str:
    other = "Other forms are package:NAME/FOLDER, and scratch: for a small untrained model."
    relative = not os.path.isabs(folder)
    return f"Relative paths are read from the working directory, {os.getcwd()}. {other}" if relative else other


def _fetched(name: str, revision: str | None, wanted: list[str]) -> Path:
    return Path(snapshot_download(name, revision=revision, allow_patterns=wanted, ignore_patterns=UNWANTED))


def _reason(error: Exception) -> str:
    if constants.HF_HUB_OFFLINE:
        return "not in the local cache, and HF_HUB_OFFLINE is set"
    if isinstance(error, LocalEntryNotFoundError):
        return "not in the local cache, and the hub cannot be reached"
    if isinstance(error, HfHubHTTPError) and error.response is not None:
        return f"the hub answered {error.response.status_code}"
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def is_on_hub(name: str) -> bool:
    """Whether `find_folder` takes this name, of a model that it has found, from the hub and not from this machine."""
    return not name.startswith(PACKAGE) and HUB_ID.fullmatch(name) is not None and not os.path.exists(name)

"""JSON files of a model folder, read by people who did not write them: every wrong value is located."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from embtune.errors import Location, ModelError

T = TypeVar("T")

# what transformers reads and writes again with the trained model
_SAVED_AGAIN = ("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json")
LIMIT_BYTES = 64 << 20  # a settings file larger than this is not one


def read_json(path: Path) -> object:
    """The value in a JSON file.

    Raises:
        ModelError: it cannot be read or is no JSON; located at the line where the JSON breaks.
    """
    try:
        check_is_file(path)
        if path.stat().st_size > LIMIT_BYTES:
            raise _broken(path, f"larger than {LIMIT_BYTES >> 20} MiB")
        text = path.read_text(encoding="utf-8-sig")
        value: object = json.loads(text)
        if "\\ud" in text.lower():  # half a character, which no file that is saved from it could hold
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise _broken(path, f"not JSON: {error.msg}", error.lineno, error.colno) from error
    except UnicodeDecodeError as error:
        raise _broken(path, "not UTF-8 text") from error
    except UnicodeEncodeError as error:
        raise _broken(
            path, f"broken: a text in it holds a lone surrogate \\u{ord(error.object[error.start]):04x}"
        ) from error
    except ValueError as error:
        raise _broken(path, f"not JSON that can be read: {error}") from error
    except RecursionError as error:
        raise _broken(path, "nested too deeply") from error
    except OSError as error:
        raise _broken(path, f"cannot be read: {error.strerror or error}") from error
    return value


def check_is_file(path: Path) -> None:
    """Refuse a pipe or a device under a file's name, which might never end. Where there is nothing, nothing is said.

    Raises:
        ModelError: it is one.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise _broken(path, "a pipe or a device, and no file")


def check_files(folder: Path) -> None:
    """Refuse files that libraries would read, and not survive: pipes, devices, and texts that cannot be saved again.

    Raises:
        ModelError: there is one right in the folder.
    """
    try:
        for path in folder.iterdir():
            check_is_file(path)
            if path.name in _SAVED_AGAIN:
                read_json(path)
    except OSError:
        return  # no folder, or not to be listed: whoever reads a file in it says so


@dataclass(frozen=True)
class JsonObject:
    """An object of a JSON file, with typed look-ups. A missing key, or null, gives the default."""

    path: Path
    values: Mapping[str, object]

    @classmethod
    def read(cls, path: Path) -> JsonObject:
        """The object in the file.

        Raises:
            ModelError: the file is broken or holds something else than an object.
        """
        return cls.of(path, read_json(path))

    @classmethod
    def read_if_there(cls, path: Path) -> JsonObject:
        """The object in the file; an empty one where there is no file."""
        return cls.read(path) if path.is_file() else cls(path, {})

    @classmethod
    def of(cls, path: Path, value: object) -> JsonObject:
        """A value already read from `path`, which has to be an object."""
        if not isinstance(value, dict):
            raise _broken(path, f"expected an object, found {_kind(value)}")
        return cls(path, value)

    def text(self, key: str, default: str | None = None) -> str | None:
        """The string at `key`."""
        value = self.values.get(key)
        return default if value is None else self._checked(key, value, isinstance(value, str), "a string", str)

    def flag(self, key: str, default: bool = False) -> bool:
        """The boolean at `key`."""
        value = self.values.get(key)
        return default if value is None else self._checked(key, value, isinstance(value, bool), "true or false", bool)

    def size(self, key: str) -> int | None:
        """The positive whole number at `key`."""
        value = self.values.get(key)
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        return None if value is None else self._checked(key, value, fits, "a positive whole number", int)

    def texts(self, key: str) -> dict[str, str]:
        """The object of strings at `key`; entries that are null are left out."""
        value = self.values.get(key) or {}
        found = self._checked(key, value, isinstance(value, dict), "an object of strings", dict)
        named = {str(name): text for name, text in found.items() if text is not None}
        self._checked(key, value, all(isinstance(text, str) for text in named.values()), "an object of strings", dict)
        return named

    def words(self, key: str) -> tuple[str, ...]:
        """The list of strings at `key`; a single string is a list of one."""
        value = self.values.get(key) or []
        value = [value] if isinstance(value, str) else value
        fits = isinstance(value, list) and all(isinstance(word, str) for word in value)
        return tuple(self._checked(key, value, fits, "a list of strings", list))

    def error(self, key: str, message: str, hint: str | None = None) -> ModelError:
        """The error about the value at `key`, located at the file."""
        return ModelError.of("broken-model", f"{key}: {message}", hint, Location(str(self.path)))

    def _checked(self, key: str, value: object, fits: bool, wanted: str, kind: type[T]) -> T:
        if not fits or not isinstance(value, kind):
            raise self.error(key, f"expected {wanted}, found {_kind(value)}")
        return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), f"the number {value}")


def _broken(path: Path, message: str, line: int | None = None, column: int | None = None) -> ModelError:
    hint = "The file may be cut off: fetch or copy the model again."
    return ModelError.of("broken-model", f"{path.name} is {message}", hint, Location(str(path), line, column))

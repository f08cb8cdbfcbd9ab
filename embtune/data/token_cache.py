"""Where token stores are kept between runs, and how one is found again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np

from embtune.data.filling import FillingStore
from embtune.data.token_files import DamagedError, read_store, write_store
from embtune.data.tokens import Tokenise, TokenStore, WholeStore

_LAYOUT = 1  # of the files; another number finds none of the old ones
_AT_ONCE = 4096  # so few texts take less than a second, and with them the plan knows all about them
_HASHED_AT_ONCE = 4096  # texts


class TokenCache:
    """Finds stores again, and makes those that are not there.

    Args:
        folder: of everything that is kept; None keeps nothing, and stores stay in memory.
        notes: a sentence each on stores that were damaged or could not be kept. Grows while stores are being filled, on
            another thread.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.notes: list[str] = []

    def store(self, texts: Sequence[str], tokenise: Tokenise, decided_by: Sequence[object]) -> TokenStore:
        """The store of these texts: read where it was kept, else made, in the background where they are many.

        Args:
            texts: without what `tokenise` puts before them.
            tokenise: called from two threads at once.
            decided_by: JSON values of everything besides the texts that decides the ids.
        """
        path = None
        if self._folder is not None:
            path = self._folder / "tokens" / f"{store_key(texts, decided_by)}.tokens"
            found = self._read(path)
            if found is not None:
                return found
        filling = FillingStore(texts, tokenise, partial(self._kept, path) if path else lambda store: store)
        if len(texts) <= _AT_ONCE:
            return filling.whole()
        filling.start()
        return filling

    def _read(self, path: Path) -> WholeStore | None:
        try:
            return read_store(path)
        except DamagedError as error:
            self.notes.append(f"{path} is damaged, {error}; the texts are tokenised again")
        except OSError as error:
            self.notes.append(f"cannot read {path}: {error.strerror}; the texts are tokenised again")
        return None

    def _kept(self, path: Path, store: WholeStore) -> WholeStore:
        """The same store in a file, else, where it cannot be written, in memory."""
        try:
            write_store(path, store)
            return read_store(path) or store
        except (OSError, DamagedError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self.notes.append(f"cannot keep tokens in {path}: {reason}; the next run tokenises these texts again")
            return store


def store_key(texts: Sequence[str], decided_by: Sequence[object]) -> str:
    """32 hexadecimal digits of everything that decides a store.

    BLAKE2b over the lengths and the characters of some thousands of texts at a time, which costs half a second for a
    million texts of 200 characters: a thousandth of what tokenising them does.
    """
    digest = blake2b(json.dumps([_LAYOUT, len(texts), *decided_by]).encode(), digest_size=16)
    for start in range(0, len(texts), _HASHED_AT_ONCE):
        part = texts[start : start + _HASHED_AT_ONCE]
        digest.update(np.fromiter(map(len, part), dtype="<i8", count=len(part)).data)
        digest.update("".join(part).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()

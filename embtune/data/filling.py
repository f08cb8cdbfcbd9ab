"""A store that is filled in the background, so that training starts on the first texts while the others are tokenised.

Whoever asks for texts that are not there yet tokenises them on the spot, beside the background. So a step waits for its
own rows and no others, in whatever order the run needs them, and nothing of the plan has to be known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock, Thread, main_thread

import numpy as np
from numpy.typing import NDArray

from embtune.data.tokens import (
    StoredIds,
    Texts,
    Tokenise,
    Tokenised,
    TokenStore,
    WholeStore,
    narrowest,
    offsets_of,
    taken,
)

CHUNK = 1024  # texts tokenised at a time: enough for all of the tokenizer's threads, and soon over when a run ends
_COPIED_AT_ONCE = 1 << 16  # texts


class FillingStore(TokenStore):
    """The token ids of texts that are tokenised as they are needed, and all of them sooner or later.

    Until `start` is called nothing happens in the background; without it `whole` does all the work where it is called.

    Args:
        texts: as they are tokenised.
        tokenise: called from two threads at once.
        finish: takes the whole store, once, when all texts are there, and gives the one that is used from then on.
    """

    def __init__(
        self, texts: Sequence[str], tokenise: Tokenise, finish: Callable[[WholeStore], WholeStore] = lambda store: store
    ) -> None:
        self._texts = texts
        self._tokenise = tokenise
        self._finish = finish
        self._made = _Made(len(texts))
        self._whole: WholeStore | None = None
        self._error: BaseException | None = None
        # Not a daemon: one that is killed inside the tokenizer as the process ends takes the process down with it.
        self._thread = Thread(target=self._fill, name="tokenising")

    def start(self) -> None:
        """Begin to fill in the background. The thread ends soon after the main thread does."""
        self._thread.start()

    def __len__(self) -> int:
        """How many texts it has in the end."""
        return len(self._texts)

    @property
    def is_whole(self) -> bool:
        """Whether all texts are there."""
        return self._whole is not None

    def whole(self) -> WholeStore:
        """See the base class."""
        if self._whole is None:
            if self._thread.ident is None:
                self._fill()
            else:
                self._thread.join()
        self._check()
        assert self._whole is not None, "the thread ends early only when the process does"
        return self._whole

    def lengths_of(self, texts: Texts) -> NDArray[np.int64]:
        """See the base class."""
        return self._with(texts).lengths_of(texts)

    def flat(self, texts: Texts) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """See the base class."""
        return self._with(texts).flat(texts)

    def _with(self, texts: Texts) -> _Made | WholeStore:
        """Something that has these texts.

        Raises:
            Exception: what went wrong in the background, or now.
        """
        made = self._made  # before `_whole` is looked at: it is emptied after that is set
        if self._whole is not None:
            return self._whole
        self._check()
        self._make(made, np.unique(np.asarray(texts, dtype=np.int64)))
        return made

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _fill(self) -> None:
        made = self._made
        try:
            for start in range(0, len(self), CHUNK):
                if not main_thread().is_alive():
                    return
                self._make(made, np.arange(start, min(len(self), start + CHUNK)))
            self._whole = self._finish(made.in_order())
            self._made = _Made(0)  # for the memory; whoever reads in the old one has hold of it
        except BaseException as error:  # any at all: it is raised again where the texts are asked for
            self._error = error

    def _make(self, made: _Made, texts: NDArray[np.integer]) -> None:
        missing = made.missing(texts)
        if len(missing):
            made.add(missing, self._tokenise([self._texts[text] for text in missing.tolist()]))


class _Made:
    """The ids made so far, in the order in which they were made. Two threads may add and read."""

    def __init__(self, size: int) -> None:
        self._lock = Lock()
        self._ids: StoredIds = np.empty(0, dtype=np.uint16)  # grows by doubling; what is not used takes no memory
        self._used = 0
        self._starts = np.full(size, -1, dtype=np.int64)  # -1: not there yet
        self._lengths = np.zeros(size, dtype=np.int64)
        self._cut = np.zeros(size, dtype=np.bool_)

    def missing(self, texts: NDArray[np.integer]) -> NDArray[np.integer]:
        """Those of the texts that are not there."""
        with self._lock:
            absent: NDArray[np.integer] = texts[self._starts[texts] < 0]
        return absent

    def add(self, texts: NDArray[np.integer], tokenised: Tokenised) -> None:
        """Take in texts. One that both threads made at once is there twice, and equal."""
        with self._lock:
            stop = self._used + len(tokenised.ids)
            self._make_room(stop, np.result_type(self._ids.dtype, narrowest(tokenised.ids)))
            self._ids[self._used : stop] = tokenised.ids
            self._starts[texts] = self._used + offsets_of(tokenised.lengths)[:-1]
            self._lengths[texts] = tokenised.lengths
            self._cut[texts] = tokenised.cut
            self._used = stop

    def lengths_of(self, texts: Texts) -> NDArray[np.int64]:
        """(len(texts),) tokens of each; all of them are there."""
        with self._lock:
            return self._lengths[texts]

    def flat(self, texts: Texts) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """See `TokenStore.flat`; all of them are there."""
        with self._lock:
            lengths = self._lengths[texts]
            return taken(self._ids, self._starts[texts], lengths).astype(np.int32), lengths

    def in_order(self) -> WholeStore:
        """All texts in the order of their numbers; all of them are there."""
        offsets = offsets_of(self._lengths)
        ids = np.empty(int(offsets[-1]), dtype=self._ids.dtype)
        for start in range(0, len(self._starts), _COPIED_AT_ONCE):
            some = slice(start, start + _COPIED_AT_ONCE)
            with self._lock:
                part = taken(self._ids, self._starts[some], self._lengths[some])
            ids[offsets[start] : offsets[start] + len(part)] = part
        return WholeStore(ids, offsets, int(self._cut.sum()))

    def _make_room(self, size: int, kind: np.dtype[np.unsignedinteger]) -> None:
        if size <= len(self._ids) and kind == self._ids.dtype:
            return
        room = np.empty(max(size, 2 * len(self._ids)) if size > len(self._ids) else len(self._ids), dtype=kind)
        room[: self._used] = self._ids[: self._used]
        self._ids = room

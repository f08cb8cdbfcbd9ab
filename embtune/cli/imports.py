"""How torch and transformers are imported: in one go."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS_BETWEEN_LOOKS = 100_000


@contextmanager
def importing() -> Iterator[None]:
    """Import what is heavy inside of this, and Python looks for garbage a hundred times less often.

    The imports make hundreds of thousands of objects that stay, and every look goes over them all: a tenth of the time.
    Afterwards they are set apart, so that no look during the run goes over them either.
    """
    usual = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.freeze()

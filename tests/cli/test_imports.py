from __future__ import annotations

import gc

import pytest

from embtune.cli.imports import importing


def test_looks_for_garbage_are_as_usual_after_the_imports_even_where_one_fails() -> None:
    usual = gc.get_threshold()
    with pytest.raises(ImportError), importing():
        assert gc.get_threshold()[0] > usual[0]
        raise ImportError("no such module")
    try:
        assert gc.get_threshold() == usual
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()

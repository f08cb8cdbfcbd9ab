from __future__ import annotations

import gc

from embtune.cli.imports import importing


def test_looks_for_garbage_are_rare_during_the_imports_and_as_usual_after_them() -> None:
    usual = gc.get_threshold()
    try:
        with importing():
            meanwhile = gc.get_threshold()
        assert meanwhile[0] > 10 * usual[0]
        assert gc.get_threshold() == usual
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()

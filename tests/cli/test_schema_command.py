"""`embtune schema` as a process."""

from __future__ import annotations

import json

from command import run_embtune

from embtune.config import json_schema


def test_schema_is_one_json_document_and_nothing_else() -> None:
    for words in (["schema"], ["schema", "--json"], ["schema", "--quiet"]):
        result = run_embtune(*words)
        assert (result.returncode, result.stderr) == (0, "")
        assert json.loads(result.stdout) == json_schema()

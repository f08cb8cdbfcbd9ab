from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from embtune.catalog.spec import LabelKind
from embtune.data.examples import Examples, load_examples
from embtune.data.layout import Layout
from embtune.data.rows import read_rows

NONE = LabelKind.NONE
LAYOUTS = {
    "sts/stsb_en_train": Layout({"sentence_A": "sentence1", "sentence_B": "sentence2"}, "score", LabelKind.SCORE, ()),
    "nli/snli_dev": Layout({"sentence_A": "premise", "sentence_B": "hypothesis"}, "label", LabelKind.CLASS, ()),
    "nli/nli_triplets_dev": Layout({r: r for r in ("anchor", "positive", "negative")}, None, NONE, ()),
    "pairs/medquad_train": Layout({"anchor": "anchor", "positive": "positive"}, None, NONE, ()),
    "pair_labels/rqe_dev": Layout(
        {"sentence_A": "sentence1", "sentence_B": "sentence2"}, "label", LabelKind.BINARY, ()
    ),
    "labels/clinc150_train": Layout({"text": "text"}, "label", LabelKind.CLASS, ()),
    "parallel/ntrex_dev": Layout({f"text_{i}": code for i, code in enumerate(("en", "ar", "zh"), 1)}, None, NONE, ()),
}


def label(examples: Examples, row: int) -> object:
    """A row's label as the file has it."""
    if examples.labels is None:
        return None
    value = examples.labels[row].item()
    return examples.class_names[value] if examples.class_names else value


@pytest.mark.parametrize("name", LAYOUTS)
def test_real_files_come_back_row_by_row(shared_data: Path, name: str) -> None:
    path, layout = shared_data / f"{name}.jsonl.gz", LAYOUTS[name]
    with gzip.open(path, "rt", encoding="utf-8") as file:
        raw = [json.loads(line) for line in file]
    examples = load_examples(read_rows(str(path)), layout, "demo")
    assert len(examples) == len(raw)
    for row, values in enumerate(raw):
        assert [examples.text(row, role) for role in layout.columns] == [values[c] for c in layout.columns.values()]
        expected = values[layout.label_column] if layout.label_column else None
        found = label(examples, row)
        assert found == (np.float32(expected).item() if isinstance(expected, float) else expected) or found == str(
            expected
        )
    assert examples.location(len(raw) - 1).line == len(raw)

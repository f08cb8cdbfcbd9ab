"""`embtune convert` as a process: a file, a pipe, what is counted, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

from command import run_embtune

ROWS = [{"sentence1": f"a {i}", "sentence2": f"b {i}", "score": i / 10} for i in range(11)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def test_a_file_is_written_and_one_document_says_what_was_done(tmp_path: Path) -> None:
    (tmp_path / "scored.jsonl").write_text(LINES)
    out = tmp_path / "pairs.csv"
    setting = (
        "--set",
        "threshold=0.7",
        "--set",
        "columns={sentence_A: sentence2, sentence_B: sentence1, label: score}",
    )
    done = run_embtune("convert", tmp_path / "scored.jsonl", "--to", "pairs", "-o", out, "--json", *setting)
    assert done.returncode == 0, done.stderr
    assert out.read_text() == "anchor,positive\nb 7,a 7\nb 8,a 8\nb 9,a 9\nb 10,a 10\n"
    document = json.loads(done.stdout)
    assert (document["rows"], document["made"], document["to"], document["seed"]) == (11, 4, "pairs", 42)
    assert document["options"] == {"threshold": 0.7}
    assert document["left_out"] == [{"count": 7, "what": "rows labelled 0"}]
    said = done.stderr.splitlines()
    assert said[0].startswith("pairs with a score -> pairs with 1 or 0 -> pairs (")
    assert said[-1] == "4 pairs from 11 rows; 7 rows labelled 0"


def test_rows_go_through_a_pipe(tmp_path: Path) -> None:
    done = run_embtune("convert", "-", "--to", "binary", "-o", "-", "--quiet", stdin=LINES, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["label"] for row in rows] == [0] * 5 + [1] * 6
    assert rows[0] == {"sentence_A": "a 0", "sentence_B": "b 0", "label": 0}


def test_wrong_words_are_told_together_and_print_nothing() -> None:
    done = run_embtune("convert", "rows.jsonl", "--to", "triplet", "-o", "-", "--set", "treshold=1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'triplets'?" in done.stderr
    assert "did you mean 'threshold'?" in done.stderr


def test_data_that_does_not_yield_it_leaves_no_file(tmp_path: Path) -> None:
    rows = "".join(json.dumps({"text": f"text {i}", "label": "red"}) + "\n" for i in range(4))
    done = run_embtune("convert", "-", "--to", "pairs", "-o", tmp_path / "pairs.jsonl", stdin=rows)
    assert (done.returncode, done.stdout) == (1, "")
    assert "<stdin>: error[one-class]: all 4 rows are of the class 'red'" in done.stderr
    assert list(tmp_path.iterdir()) == []

"""`embtune check-format` as a process: data, configs, bad rows, repair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import run_embtune

Values = dict[str, object]


def write(path: Path, rows: list[Values]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def pairs(count: int) -> list[Values]:
    return [{"anchor": f"question {i}", "positive": f"answer {i}", "id": i} for i in range(count)]


def judged(*arguments: str | Path) -> tuple[int, dict[str, object]]:
    done = run_embtune("check-format", *arguments, "--json")
    document = json.loads(done.stdout)
    assert document["ok"] is (done.returncode == 0)
    return done.returncode, document["datasets"][0]


def test_data_is_described_with_the_losses_that_fit_and_the_reasons_of_the_others(tmp_path: Path) -> None:
    code, found = judged(write(tmp_path / "pairs.jsonl", pairs(12)))
    assert (code, found["rows"], found["bad_rows"]) == (0, 12, 0)
    assert found["distinct"] == {"anchor": 12, "positive": 12}
    assert found["recommended"] == "MultipleNegativesRankingLoss"
    assert found["roles"] == {"anchor": "anchor", "positive": "positive"}
    assert found["reasons"] == ["anchor is column 'anchor': by its name", "positive is column 'positive': by its name"]
    assert found["notes"] == ["not read: id"]
    fits, reasons = found["fits"], found["does_not_fit"]
    assert isinstance(fits, list)
    assert isinstance(reasons, dict)
    assert fits[0] == "MultipleNegativesRankingLoss"
    assert "triplets (anchor, positive, negative); the data has anchor, positive" in reasons["TripletLoss"]
    assert set(fits).isdisjoint(reasons)


def test_losses_that_need_another_model_alone_are_a_group_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "texts.jsonl", [{"text": f"a text {i}"} for i in range(12)])
    _, found = judged(path)
    assert found["fits_with"] == {"EmbedDistillLoss": "teacher", "MSELoss": "teacher"}
    fits, reasons = found["fits"], found["does_not_fit"]
    assert isinstance(fits, list)
    assert isinstance(reasons, dict)
    assert {"EmbedDistillLoss", "MSELoss"}.isdisjoint([*fits, *reasons])
    _, of_pairs = judged(write(tmp_path / "pairs.jsonl", pairs(12)))
    guided = {"CachedGISTEmbedLoss": "guide", "GISTEmbedLoss": "guide"}
    assert of_pairs["fits_with"] == {**guided, "EmbedDistillLoss": "teacher", "MSELoss": "teacher"}
    lines = run_embtune("check-format", path).stdout.splitlines()
    assert lines[:3] == [f"{path}:", "  text; 12 rows, all usable", "  recommended loss: ContrastiveTensionLoss"]
    assert lines[-1] == f"next: embtune init {path} -o config.yaml"
    heading = lines.index("Losses that fit with another model")
    assert lines[heading + 1] == "  EmbedDistillLoss, MSELoss: with teacher: MODEL"


def test_a_conversion_is_named_when_it_opens_more_losses(tmp_path: Path) -> None:
    rows: list[Values] = [{"sentence1": f"a {i}", "sentence2": f"b {i}", "label": i % 2} for i in range(12)]
    _, found = judged(write(tmp_path / "labelled.jsonl", rows))
    ways = found["after_conversion"]
    assert isinstance(ways, list)
    assert ways[0]["conversion"] == "pairs with 1 or 0 -> pairs (keep the pairs labelled 1)"
    assert "MultipleNegativesRankingLoss" in ways[0]["losses"]


def test_one_loss_is_judged_and_decides_the_exit_code(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.jsonl", pairs(12))
    assert judged(path, "--loss", "mnrl")[0] == 0
    code, found = judged(path, "--loss", "TripletLoss")
    assert code == 1
    losses = found["losses"]
    assert isinstance(losses, list)
    assert (losses[0]["name"], losses[0]["fits"]) == ("TripletLoss", False)


def test_bad_rows_are_located_the_first_five_of_each_kind_shown_and_all_counted(tmp_path: Path) -> None:
    rows = pairs(40)
    for number in range(20, 35):
        rows[number]["positive"] = None
    rows[2]["anchor"] = " "
    path = write(tmp_path / "holes.jsonl", rows)
    done = run_embtune("check-format", path)
    assert done.returncode == 1
    assert f"{path}:3: error[empty-text]: anchor is only white space" in done.stderr
    assert f"{path}:21: error[null-text]: positive is null" in done.stderr
    assert done.stderr.count("error[null-text]") == 5
    assert "and 10 rows more with null-text in positive" in done.stderr
    assert f"16 of 40 rows of {path} cannot be used" in done.stderr
    assert "40 rows, 16 of them not usable" in done.stdout
    assert done.stdout.endswith(f"next: embtune check-format {path} --fix good.jsonl   # writes the other rows\n")


def test_fix_writes_the_good_rows_whole(tmp_path: Path) -> None:
    rows = pairs(6)
    rows[2]["anchor"] = ""
    path, out = write(tmp_path / "holes.jsonl", rows), tmp_path / "good.jsonl"
    assert run_embtune("check-format", path, "--fix", out).returncode == 1
    assert [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] == rows[:2] + rows[3:]
    assert judged(out)[0] == 0


def test_standard_input_and_output_make_a_filter() -> None:
    lines = [json.dumps({"text": "a good row"}), json.dumps({"text": " "}), "no json"]
    done = run_embtune("check-format", "-", "--fix", "-", stdin="\n".join(lines))
    assert (done.returncode, done.stdout) == (1, lines[0] + "\n")
    assert "<stdin>:2: error[empty-text]" in done.stderr
    assert "<stdin>:3:" in done.stderr


CONFIG = """
version: 1
output_dir: runs/x
model: {{name_or_path: "scratch:"}}
data:
  train:
    - path: {path}
      columns: {columns}
  eval:
    - path: {path}
loss: {loss}
"""


def config(folder: Path, columns: str, loss: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(path="pairs.jsonl", columns=columns, loss=loss), encoding="utf-8")
    write(folder / "pairs.jsonl", pairs(12))
    return path


def test_a_config_has_each_dataset_held_against_its_loss(tmp_path: Path) -> None:
    path = config(tmp_path, "{query: anchor, document: positive}", "MultipleNegativesRankingLoss")
    done = run_embtune("check-format", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "MultipleNegativesRankingLoss takes this data" in done.stdout
    assert done.stdout.count("12 rows, all usable") == 2


def test_a_loss_that_cannot_use_the_data_is_a_finding(tmp_path: Path) -> None:
    path = config(tmp_path, "{query: anchor, document: positive}", "CoSENTLoss")
    assert run_embtune("check-format", path).returncode == 1
    assert run_embtune("check-format", path, "--loss", "mnrl").returncode == 0


def test_a_wrong_declaration_is_an_error_at_its_line_with_the_line_to_write(tmp_path: Path) -> None:
    path = config(tmp_path, "{anchor: positive, positive: anser}", "mnrl")
    done = run_embtune("check-format", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{path}:8:" in done.stderr
    assert "the data has no column 'anser', declared as positive" in done.stderr


def test_roles_nobody_can_tell_exit_2_with_an_example(tmp_path: Path) -> None:
    rows: list[Values] = [{"x": f"one {i}", "y": f"eins {i}", "z": f"un {i}"} for i in range(5)]
    done = run_embtune("check-format", write(tmp_path / "many.jsonl", rows))
    assert (done.returncode, done.stdout) == (2, "")
    assert "columns: {anchor: x, positive: y}" in done.stderr


def test_a_retrieval_folder_is_recognised(shared_data: Path) -> None:
    code, found = judged(shared_data / "retrieval" / "xquad_en")
    assert (code, found["kind"], found["queries"], found["documents"]) == (0, "retrieval", 1190, 240)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere.jsonl"],
        ["-", "--loss", "NoLoss"],
        ["-", "--fix", "-", "--json"],
        ["-", "--fix", "no/such/folder/good.jsonl"],
        ["-", "--set", "seed=1"],
        ["x.yaml", "--fix", "y"],
    ],
)
def test_wrong_use_exits_2_and_leaves_stdout_empty(arguments: list[str]) -> None:
    done = run_embtune("check-format", *arguments, stdin='{"text": "a"}\n')
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[" in done.stderr


def test_an_empty_file_and_a_file_of_garbage_are_no_tracebacks(tmp_path: Path) -> None:
    for content in (b"", b"\xff\xfe\x00garbage", b"[1, 2]\n", b"null\n", b'{"a": 1}\n'):
        path = tmp_path / "odd.jsonl"
        path.write_bytes(content)
        done = run_embtune("check-format", path)
        assert done.returncode in (1, 2)
        assert "Traceback" not in done.stderr
        assert "error[internal]" not in done.stderr


def test_what_is_wrong_with_data_or_a_loss_that_the_command_line_names_is_told_with_that_place(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"label": 1}\n')
    (tmp_path / "sheet.xlsx").write_text("x")
    for words, place in (
        (["data.jsonl"], "data.jsonl: error[no-texts]"),
        (["sheet.xlsx"], "sheet.xlsx: error[unknown-extension]"),
        (["data.jsonl", "--loss", "nothing"], "<command line>: error[unknown-loss]"),
    ):
        result = run_embtune("check-format", *words, cwd=tmp_path)
        assert result.returncode == 2
        assert result.stderr.startswith(place)


def test_numbers_of_vectors_between_0_and_1_are_told_without_tenths(tmp_path: Path) -> None:
    path = write(tmp_path / "vectors.jsonl", [{"text": f"text {n}", "embedding": [0.5, 0.25]} for n in range(4)])
    done = run_embtune("check-format", path)
    assert "label: vector from 0.25 to 0.5, mean 0.375\n" in done.stdout, done.stderr

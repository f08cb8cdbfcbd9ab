"""Warnings about configs that are right and do not mean what they seem to."""

from __future__ import annotations

from pathlib import Path

import pytest

from embtune.config import load_config
from embtune.config.advice import advice

CONFIG = """\
output_dir: runs/test
model: {name_or_path: "scratch:"}
data: {train: [{path: rows.jsonl}]}
loss:
  name: %s
  distance_metric: %s
"""


def told(folder: Path, loss: str, distance: str, more: str = "") -> list[str]:
    path = folder / "config.yaml"
    path.write_text(CONFIG % (loss, distance) + more, encoding="utf-8")
    return [problem.render("warning") for problem in advice(load_config(path))]


@pytest.mark.parametrize(
    ("loss", "more", "line"),
    [("TripletLoss", "", 6), ("batch-hard", "  margin: 2.5\n", 7), ("ContrastiveLoss", "  margin: 3\n", 7)],
)
def test_a_margin_that_cosine_distance_never_reaches_is_told_at_its_line(
    tmp_path: Path, loss: str, more: str, line: int
) -> None:
    (text,) = told(tmp_path, loss, "cosine", more)
    assert f"config.yaml:{line}:" in text
    assert "warning[unreachable-margin]" in text
    assert "0.1 to 0.5 is usual with cosine" in text


def test_a_margin_within_reach_or_of_another_distance_is_none(tmp_path: Path) -> None:
    assert not told(tmp_path, "TripletLoss", "cosine", "  triplet_margin: 0.3\n")
    assert not told(tmp_path, "TripletLoss", "euclidean")

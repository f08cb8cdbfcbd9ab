"""Every dataset of the shared folder is understood with no declaration; `-s` prints the table of them."""

from __future__ import annotations

import pathlib
import sys

import pytest

from embtune.catalog import LabelKind, losses_fitting
from embtune.data.layout import Layout
from embtune.data.retrieval import is_retrieval_folder
from embtune.data.roles import detect_layout
from embtune.data.rows import sample_rows

DATA = pathlib.Path(__file__).parents[2].parent / "shared" / "data"
PAIR = {"anchor": "anchor", "positive": "positive"}
SENTENCES = {"sentence_A": "sentence1", "sentence_B": "sentence2"}
ENGLISH = {"sentence_A": "sentence1_en", "sentence_B": "sentence2_en"}
NLI = {"sentence_A": "premise", "sentence_B": "hypothesis"}
TRIPLET = PAIR | {"negative": "negative"}
PARALLEL = {"anchor": "english", "positive": "non_english"}
TEXT = {"text": "text"}
RANKING, PLAIN = "MultipleNegativesRankingLoss", "ContrastiveTensionLoss"

EXPECTED: list[tuple[str, dict[str, str], str | None, LabelKind, str]] = [
    ("sts/stsb_en_*", SENTENCES, "score", LabelKind.SCORE, "CoSENTLoss"),
    ("sts/stsb_multi_mt_*", ENGLISH, "score", LabelKind.SCORE, "CoSENTLoss"),
    ("nli/*nli_*dev", NLI, "label", LabelKind.CLASS, "SoftmaxLoss"),
    ("nli/*nli_cad_train", NLI, "label", LabelKind.CLASS, "SoftmaxLoss"),
    ("nli/wiki_nli_train", NLI, "label", LabelKind.CLASS, "SoftmaxLoss"),
    ("nli/nli_triplets_*", TRIPLET, None, LabelKind.NONE, RANKING),
    ("pairs/*", PAIR, None, LabelKind.NONE, RANKING),
    ("pair_labels/*", SENTENCES, "label", LabelKind.BINARY, "ContrastiveLoss"),
    ("labels/*", TEXT, "label", LabelKind.CLASS, "BatchAllTripletLoss"),
    ("sentences/*", TEXT, None, LabelKind.NONE, PLAIN),
    ("parallel/tatoeba_*", PARALLEL, None, LabelKind.NONE, RANKING),
    ("parallel/ntrex_*", {"anchor": "en", "positive": "de"}, None, LabelKind.NONE, RANKING),
    ("retrieval/*/corpus", TEXT, None, LabelKind.NONE, PLAIN),
    ("retrieval/*/queries", TEXT, None, LabelKind.NONE, PLAIN),
]
# where there is another reading: words of the note that says how to have it
ANOTHER = {
    "sts/stsb_multi_mt_*": "columns: {sentence_A: sentence1_pt, sentence_B: sentence2_pt, label: score}",
    "parallel/tatoeba_*": "columns: {anchor: non_english, positive: english}",
    "parallel/ntrex_*": "columns: {anchor: en, positive: fi}",
    "pair_labels/*": "could also be read as sentence_A, sentence_B + label (class)",
}


def files(pattern: str) -> list[pathlib.Path]:
    found = sorted(
        path for path in DATA.glob(f"{pattern}.jsonl.gz") if "triplets" not in path.name or "triplets" in pattern
    )
    if not found:
        pytest.skip(f"shared data {pattern} is not here")
    return found


def recommended(layout: Layout) -> str:
    return losses_fitting(layout.roles, layout.label)[0].name


@pytest.mark.parametrize(("pattern", "columns", "label_column", "label", "loss"), EXPECTED)
def test_datasets_are_understood(
    pattern: str, columns: dict[str, str], label_column: str | None, label: LabelKind, loss: str
) -> None:
    for path in files(pattern):
        layout = detect_layout(sample_rows(str(path)))
        sys.stdout.write(f"\n{path.relative_to(DATA)}: {layout}: {recommended(layout)}; {'; '.join(layout.notes)}")
        assert (layout.columns, layout.label_column, layout.label) == (columns, label_column, label), path.name
        assert recommended(layout) == loss
        assert ANOTHER.get(pattern, "") in "\n".join(layout.notes)


def test_every_file_of_the_folder_is_among_them() -> None:
    covered = {path for pattern, *_ in EXPECTED for path in files(pattern)}
    assert covered == set(DATA.rglob("*.jsonl.gz"))


def test_retrieval_folders_are_recognised(shared_data: pathlib.Path) -> None:
    assert all(is_retrieval_folder(folder) for folder in (shared_data / "retrieval").iterdir())

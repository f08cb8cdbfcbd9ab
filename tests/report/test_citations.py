from __future__ import annotations

import re

from embtune.catalog import built_in
from embtune.catalog.spec import Paper
from embtune.report.citations import bibtex

AUTHORS = (
    ("Solatorio", "Solatorio"),
    ("Kusupati et al.", "Kusupati and others"),
    ("Wang, Reimers and Gurevych", "Wang and Reimers and Gurevych"),
    ("van den Oord et al.", "{van den Oord} and others"),
)


def test_authors_are_as_bibtex_reads_them() -> None:
    for written, wanted in AUTHORS:
        assert f"author = {{{wanted}}}," in bibtex([Paper("A Title", written, 2020, "https://x.org")])


def test_an_entry_has_its_title_year_link_and_a_key_of_letters() -> None:
    paper = Paper("2D Matryoshka Sentence Embeddings", "Günther et al.", 2024, "https://arxiv.org/abs/2402.14776")
    assert bibtex([paper, paper]).splitlines() == [
        "@misc{gunther2024matryoshka,",
        "    title = {{2D Matryoshka Sentence Embeddings}},",
        "    author = {Günther and others},",
        "    year = {2024},",
        "    url = {https://arxiv.org/abs/2402.14776},",
        "}",
    ]


def test_every_paper_of_the_catalogue_has_a_key_of_its_own() -> None:
    papers = {paper for spec in built_in().specs for paper in spec.papers}
    keys = re.findall(r"@misc\{(\w+),", bibtex(papers))
    assert len(keys) == len(set(keys)) == len({paper.link for paper in papers})

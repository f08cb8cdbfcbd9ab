"""Plain texts: damaged, beside themselves, or beside one another. Each distinct text is used once."""

from __future__ import annotations

import numpy as np

from embtune.catalog.roles import LABEL_ROLE
from embtune.data.conversions.step import Seen, Step
from embtune.data.noise import NoiseSettings, damaged
from embtune.data.row import Row, Rows, stop


def damaged_texts(rows: Rows, step: Step) -> Rows:
    """Each text and what is left of it when a `ratio` of its words is deleted, read row by row.

    A text that loses no word, as a single word does, is left out.
    """
    settings = NoiseSettings(ratio=float(step.options["ratio"]))
    for row in _distinct(rows, step):
        text = str(row.values["text"])
        rng = np.random.default_rng(step.draws.number(text))
        left = damaged(text, settings, rng, (), "")
        if left == text:
            step.tally.leave_out("text", "lost no word")
        else:
            yield Row({"damaged": left, "original": text}, row.location)


def pairs(rows: Rows, step: Step) -> Rows:
    """Each text as its own positive, read row by row.

    Paper: Gao, Yao, Chen 2021, SimCSE, arXiv:2104.08821: dropout makes two embeddings of one text.
    """
    for row in _distinct(rows, step):
        yield Row({"anchor": row.values["text"], "positive": row.values["text"]}, row.location)


def same_or_different(rows: Rows, step: Step) -> Rows:
    """Each text beside itself, labelled 1, and beside `negatives` others, labelled 0.

    Paper: Carlsson et al. 2021, Contrastive Tension, openreview.net/forum?id=Ov_sMNau-PF: seven others for each.

    Raises:
        DataError: there is one text only.
    """
    data = step.held(_distinct(rows, step))
    circle = step.draws.shuffled(range(len(data.texts)), data.texts, "circle")
    if len(circle) < 2:
        stop("cannot-convert", "there is one distinct text, and no other to stand beside it", None)
    place = {text: index for index, text in enumerate(circle)}
    steps = step.draws.offsets(len(circle), step.negatives, "circle")
    for number, text in enumerate(data.text_ids["text"].tolist()):
        others = [circle[(place[text] + each) % len(circle)] for each in steps]
        for other in (text, *others):
            values: dict[str, object] = {"sentence_A": data.texts[text], "sentence_B": data.texts[other]}
            yield Row({**values, LABEL_ROLE: int(other == text)}, data.location(number))


def _distinct(rows: Rows, step: Step) -> Rows:
    """Each text the first time; a hash of each is held."""
    seen = Seen()
    for row in rows:
        if seen.again(str(row.values["text"])):
            step.tally.leave_out("row", "repeated a text")
        else:
            yield row

"""`embtune mine`: hard negatives for anchors and positives, from a corpus or from the positives of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from embtune.catalog.choices import MinedFormat
from embtune.data.distinct_texts import DistinctTexts, distinct_texts
from embtune.data.hard_negatives import NegativeRules
from embtune.data.writing import check_output, row_writer
from embtune.errors import DataError, Location, Problem
from embtune.model.router_layout import DOCUMENT, QUERY
from embtune.pipeline.cached_encoder import CachedEncoder
from embtune.pipeline.mine_data import Relations, read_anchored, relate
from embtune.pipeline.mine_rescore import Rescorer
from embtune.pipeline.mine_rows import check_lists, formatted
from embtune.pipeline.mine_search import Search
from embtune.pipeline.mined import Mined, MineReport
from embtune.report.progress import Progress


@dataclass(frozen=True)
class MineOrder:
    """What is mined, and how it is written.

    data: rows with anchors and positives. corpus: where negatives come from; None is the positives of `data`.
    model: anything `model.name_or_path` can be, or the directory of a run.
    rescore: a cross-encoder, whose scores take the place of the model's among the candidates of the ranks that serve.
    out: a file, or `-`.
    """

    data: str
    model: str
    out: str
    corpus: str | None = None
    rules: NegativeRules = field(default_factory=NegativeRules)
    format: MinedFormat = MinedFormat.TRIPLETS
    rescore: str | None = None
    with_scores: bool = False


def run_mining(
    order: MineOrder, cache: Path, progress: Progress, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None
) -> MineReport:
    """Mine and write.

    Args:
        cache: where vectors are kept, so that a mining that was ended goes on; texts pass through a file there.

    Raises:
        EmbtuneError: data, corpus, a model or the output cannot be used; or no anchor has any negative.
    """
    check_output(order.out)
    check_lists(order.out, order.format, order.with_scores)
    data = read_anchored(order.data, stdin)
    for note in data.notes:
        progress.note(note)
    with progress.stage("loading the model"):
        encoder = CachedEncoder.load(order.model, cache)
        rescorer = Rescorer.load(order.rescore, cache) if order.rescore else None
    with distinct_texts(cache) as documents:
        with progress.stage("reading the documents"):
            relations = relate(data.rows, order.corpus, documents)
        search = _search(order, relations, documents, encoder, progress)
        mined = _choose(order, relations, documents, search, rescorer, progress)
        report = mined.report(order.rules)
        if report.negatives == 0:
            raise DataError(Problem("no-negatives", "no row has any negative", Location(order.data), report.advice()))
        with row_writer(order.out, stdout) as sink:
            for row in mined.rows(data.rows, documents):
                for values in formatted(row, order.format, order.with_scores):
                    sink.write(values)
    return report


def _search(
    order: MineOrder, relations: Relations, documents: DistinctTexts, encoder: CachedEncoder, progress: Progress
) -> Search:
    return Search(
        encoder.embed(relations.anchors, QUERY, "anchors", progress),
        encoder.embed(documents, DOCUMENT, "documents", progress),
        relations.candidates,
        relations.positives_P2,
        relations.excluded_E2,
        encoder.model.similarity,
        order.rules.last_rank,
        encoder.model.device,
    )


def _choose(
    order: MineOrder,
    relations: Relations,
    documents: DistinctTexts,
    search: Search,
    rescorer: Rescorer | None,
    progress: Progress,
) -> Mined:
    mined = Mined(relations, order.rules.negatives)
    with progress.stage("comparing and rescoring" if rescorer else "comparing", len(relations.anchors)) as advance:
        for near in search:
            found = near.from_rank(order.rules.first_rank)
            if rescorer:
                found = rescorer.rescored(found, relations.anchors, documents)
            mined.add(found, order.rules)
            advance(len(found.scores_QK))
    return mined

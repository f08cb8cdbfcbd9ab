"""The model that is trained, beside it the one for queries where there is one, and whether the data has queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embtune.catalog import effective_spec
from embtune.catalog.spec import Need
from embtune.config import LoadedConfig
from embtune.errors import ConfigError, Problem
from embtune.losses.objective import MAIN_TOWER, QUERY_TOWER
from embtune.model.embedder import TextEmbedder
from embtune.pipeline.datasets import TrainSet

QUERY_ROLE = "anchor"  # the role whose texts the model for queries embeds


def embedders(model: TextEmbedder) -> dict[str, TextEmbedder]:
    """Tower -> what embeds for it: the model, and the one for queries."""
    return {MAIN_TOWER: model} | ({} if model.queries is None else {QUERY_TOWER: model.queries})


def check_queries(loaded: LoadedConfig, model: TextEmbedder, train_sets: Sequence[TrainSet]) -> None:
    """Hold the training sets against a model for queries.

    Raises:
        ConfigError: a set has none, so that nothing would train that model; located at what names it.
    """
    problems = [] if model.queries is None else list(_without_queries(loaded, train_sets))
    if problems:
        raise ConfigError(problems)


def _without_queries(loaded: LoadedConfig, train_sets: Sequence[TrainSet]) -> Iterator[Problem]:
    named = loaded.config.model.query_name_or_path is not None
    key = ("model", "query_name_or_path" if named else "name_or_path")
    for each in train_sets:
        twins = [loss.spec.name for loss in each.losses if Need.TWIN in effective_spec(loss.spec).needs]
        if twins:
            found = f"{twins[0]}, on {each.config.name!r}, has two copies of one model read the same texts"
        elif QUERY_ROLE not in each.examples.roles:
            found = f"the texts of {each.config.name!r} are {', '.join(each.examples.roles)}"
        else:
            continue
        message = f"a model of its own for queries needs queries and documents: {found}"
        hint = "Leave model.query_name_or_path out." if named else "Name a model that embeds all texts alike."
        pairs = "Or train on pairs of a query (anchor) and a document (positive)."
        yield loaded.problem(key, "no-queries", message, f"{hint} {pairs}")

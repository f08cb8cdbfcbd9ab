"""A model of their own for queries, beside the one that embeds documents (a dual encoder).

Paper: Karpukhin, Oguz, Min, Lewis, Wu, Edunov, Chen, Yih 2020, "Dense Passage Retrieval for Open-Domain Question
Answering", arXiv:2004.04906.
"""

from __future__ import annotations

from dataclasses import replace

from embtune.errors import ConfigError, ModelError
from embtune.model.embedder import TextEmbedder
from embtune.model.router_layout import DOCUMENT, QUERY

TASKS = (QUERY, DOCUMENT)
# how models call the prompts of either, as Sentence Transformers looks for them
_PROMPT_NAMES = {QUERY: ("query",), DOCUMENT: ("document", "passage", "corpus")}


def add_queries(model: TextEmbedder, queries: TextEmbedder) -> None:
    """Let `queries` embed the queries of `model`, in place of whatever did so before.

    Both have one set of prompts, `model`'s before those of `queries`, and `model`'s similarity and truncation.

    Args:
        model: changed; embeds documents from now on.
        queries: changed; where it has a model for queries itself, that one is taken.

    Raises:
        ConfigError: the two widths differ.
    """
    queries = queries.queries or queries
    if queries.embedding_dim != model.embedding_dim:
        raise _different_widths(queries.embedding_dim, model.embedding_dim)
    model.settings.prompts = queries.prompts | model.prompts
    queries.settings = replace(model.settings, max_seq_length=queries.max_seq_length)
    model.queries = queries
    model.notes += tuple(f"model for queries: {note}" for note in queries.notes)


def check_one_model(model: TextEmbedder) -> None:
    """Refuse a model that has another one for queries, where all texts are embedded alike.

    Raises:
        ModelError: it has.
    """
    if model.queries is not None:
        message = "it has a model of its own for queries, and one model has to embed all texts here"
        raise ModelError.of("two-models", message, "Name a model that embeds queries and documents alike.")


def embedder_for(model: TextEmbedder, prompt: str | None) -> tuple[TextEmbedder, str | None]:
    """What embeds texts under a prompt, and that prompt.

    Where there are two models, the names `query` and `document` choose one, whether there are prompts of that name or
    not: then no prompt is put before the texts.
    """
    if model.queries is None or prompt not in TASKS:
        return model, prompt
    return model.queries if prompt == QUERY else model, prompt if prompt in model.prompts else ""


def task_prompt(model: TextEmbedder, task: str) -> str | None:
    """The name of a model's own prompt for queries or for documents; None where it has none, for its default prompt."""
    return next((name for name in _PROMPT_NAMES[task] if name in model.prompts), None)


def _different_widths(queries: int, documents: int) -> ConfigError:
    return ConfigError.of(
        "different-widths",
        f"the model for queries gives {queries} dims and the one for documents {documents}; they cannot be compared",
        f"Bring documents to the same width, model.dense: {{out_features: {queries}}}, or name another model.",
    )

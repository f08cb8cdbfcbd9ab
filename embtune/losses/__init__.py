"""Objectives: pure functions of embeddings and labels, a file a concept. They never run a model.

What is named here is what a loss of one's own is made of; CONTRIBUTING shows one.
"""

from embtune.losses.objective import Batch, BuildContext, Objective, Request, View
from embtune.losses.row_blocks import sum_over_row_blocks
from embtune.losses.similarity import unit_vectors
from embtune.losses.views import request_columns

__all__ = [
    "Batch",
    "BuildContext",
    "Objective",
    "Request",
    "View",
    "request_columns",
    "sum_over_row_blocks",
    "unit_vectors",
]

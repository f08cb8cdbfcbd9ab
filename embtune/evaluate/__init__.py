"""Evaluators: a dataset with labels, and the measures taken of a model on it."""

from embtune.catalog.choices import Similarity
from embtune.evaluate.binary import BinaryEvaluator
from embtune.evaluate.choose import all_metric_names, check_best_metric, evaluable_formats, evaluator_for
from embtune.evaluate.evaluator import Encode, Evaluator, evaluated_dims, metric_key
from embtune.evaluate.nearest_centroid import NearestCentroidEvaluator
from embtune.evaluate.retrieval import RetrievalEvaluator
from embtune.evaluate.similarity import SimilarityEvaluator
from embtune.evaluate.translation import TranslationEvaluator
from embtune.evaluate.triplet import TripletEvaluator

__all__ = [
    "BinaryEvaluator",
    "Encode",
    "Evaluator",
    "NearestCentroidEvaluator",
    "RetrievalEvaluator",
    "Similarity",
    "SimilarityEvaluator",
    "TranslationEvaluator",
    "TripletEvaluator",
    "all_metric_names",
    "check_best_metric",
    "evaluable_formats",
    "evaluated_dims",
    "evaluator_for",
    "metric_key",
]

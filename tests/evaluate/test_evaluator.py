import numpy as np
import pytest
from vectors import Vectors, examples, random_vectors, words

from embtune.catalog.spec import LabelKind
from embtune.errors import RunError
from embtune.evaluate.evaluator import evaluated_dims
from embtune.evaluate.similarity import SimilarityEvaluator
from embtune.evaluate.triplet import TripletEvaluator


def similarity_evaluator() -> SimilarityEvaluator:
    columns = {"sentence_A": words("a", 20), "sentence_B": words("b", 20)}
    return SimilarityEvaluator(examples(columns, np.linspace(0, 1, 20).tolist(), LabelKind.SCORE))


def test_the_names_known_before_are_the_names_given_after() -> None:
    evaluator = similarity_evaluator()
    vectors = random_vectors(words("a", 20) + words("b", 20), 0)
    dims = evaluated_dims(12, [12, 4, 8])
    assert dims == (None, 8, 4)
    assert tuple(evaluator.run(vectors, dims)) == evaluator.metric_names(dims)
    assert evaluator.metric_names(dims)[:3] == ("dev/spearman", "dev/pearson", "dev@8/spearman")
    assert evaluator.primary == "dev/spearman"


def test_each_text_is_embedded_once_a_role_for_all_widths() -> None:
    columns = {"anchor": ["a", "b", "a"], "positive": ["c", "c", "a"], "negative": ["d", "b", "d"]}
    vectors = random_vectors(["a", "b", "c", "d"], 1)
    TripletEvaluator(examples(columns)).run(vectors, [None, 8, 4, 2])
    assert [(role, sorted(texts)) for role, texts in vectors.calls] == [
        ("anchor", ["a", "b"]),
        ("positive", ["a", "c"]),
        ("negative", ["b", "d"]),
    ]


def test_a_cut_width_is_measured_on_the_cut_vectors() -> None:
    evaluator = similarity_evaluator()
    vectors = random_vectors(words("a", 20) + words("b", 20), 2)
    cut = Vectors({text: vector[:4] for text, vector in vectors.table.items()}, [])
    assert evaluator.run(vectors, [4])["dev@4/spearman"] == pytest.approx(evaluator.run(cut)["dev/spearman"], abs=1e-9)


def test_embeddings_that_are_not_finite_stop_the_run() -> None:
    vectors = random_vectors(words("a", 20) + words("b", 20), 3)
    vectors.table["a7"][2] = np.nan
    with pytest.raises(RunError, match="1 of 40 texts of 'dev'"):
        similarity_evaluator().run(vectors)

import numpy as np
import pytest
from sentence_transformers.sentence_transformer.evaluation import TripletEvaluator as TheirTripletEvaluator
from vectors import Vectors, examples, random_vectors, words

from embtune.catalog.choices import Similarity
from embtune.evaluate.triplet import TripletEvaluator

ANCHORS, POSITIVES = words("a", 50), words("p", 50)
FIRST, SECOND = words("m", 50), words("n", 50)


@pytest.mark.parametrize("similarity", Similarity)
def test_accuracy_equals_sentence_transformers(similarity: Similarity) -> None:
    vectors = random_vectors(ANCHORS + POSITIVES + FIRST, 6)
    data = examples({"anchor": ANCHORS, "positive": POSITIVES, "negative": FIRST})
    theirs = TheirTripletEvaluator(ANCHORS, POSITIVES, FIRST)(vectors.sentence_transformer(similarity))
    ours = TripletEvaluator(data, similarity).run(vectors)
    assert ours["dev/accuracy"] == pytest.approx(theirs[f"{similarity.value}_accuracy"], abs=1e-6)


def test_several_negatives_some_absent_count_as_that_many_triplets() -> None:
    vectors = random_vectors(ANCHORS + POSITIVES + FIRST + SECOND, 7)
    second = [text if number % 3 else None for number, text in enumerate(SECOND)]
    rows = [(a, p, n) for a, p, n in zip(ANCHORS * 2, POSITIVES * 2, [*FIRST, *second], strict=True) if n is not None]
    data = examples({"anchor": ANCHORS, "positive": POSITIVES, "negative_1": FIRST, "negative_2": second})
    anchors, positives, negatives = zip(*rows, strict=True)
    theirs = TheirTripletEvaluator(anchors, positives, negatives)(vectors.sentence_transformer())
    ours = TripletEvaluator(data).run(vectors)
    assert ours["dev/accuracy"] == pytest.approx(theirs["cosine_accuracy"], abs=1e-6)


def test_equally_close_is_wrong_so_a_collapsed_model_gets_nothing() -> None:
    vectors = Vectors({text: np.ones(4, np.float32) for text in "apn"}, [])
    data = examples({"anchor": ["a"], "positive": ["p"], "negative": ["n"]})
    assert TripletEvaluator(data).run(vectors) == {"dev/accuracy": 0.0}

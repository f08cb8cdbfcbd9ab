import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers.sentence_transformer.evaluation import BinaryClassificationEvaluator
from vectors import examples, random_vectors, words

from embtune.catalog.choices import Similarity
from embtune.catalog.spec import LabelKind
from embtune.evaluate.binary import BinaryEvaluator, separation

LEFT, RIGHT = words("a", 60), words("b", 60)


@pytest.mark.parametrize("similarity", Similarity)
@pytest.mark.parametrize("seed", range(3))
def test_measures_equal_sentence_transformers(similarity: Similarity, seed: int) -> None:
    vectors = random_vectors(LEFT + RIGHT, seed)
    labels = np.random.default_rng(seed + 10).integers(0, 2, size=60).tolist()
    data = examples({"sentence_A": LEFT, "sentence_B": RIGHT}, labels, LabelKind.BINARY)
    ours = BinaryEvaluator(data, similarity).run(vectors)
    theirs = BinaryClassificationEvaluator(LEFT, RIGHT, labels)(vectors.sentence_transformer(similarity))
    for metric in BinaryEvaluator.metrics:
        # the reference gives thresholds on distances, ours are on similarities: minus the distance
        is_distance = similarity in (Similarity.EUCLIDEAN, Similarity.MANHATTAN)
        sign = -1 if is_distance and metric in BinaryEvaluator.thresholds else 1
        assert ours[f"dev/{metric}"] == pytest.approx(sign * theirs[f"{similarity.value}_{metric}"], abs=1e-5)


def test_measures_by_hand() -> None:
    values = separation(np.array([0.9, 0.8, 0.7, 0.2], np.float32), np.array([True, False, True, False]))
    assert values == pytest.approx(
        {
            "ap": (1 + 2 / 3) / 2,
            "accuracy": 0.75,
            "accuracy_threshold": 0.85,  # equally good as 0.45, and higher
            "f1": 0.8,
            "f1_threshold": 0.45,
            "precision": 2 / 3,
            "recall": 1.0,
        }
    )


scores_and_labels = st.lists(st.tuples(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0]), st.booleans()), min_size=1)


@given(scores_and_labels)
def test_best_accuracy_and_f1_are_the_best_of_all_thresholds(rows: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in rows], np.float32)
    same = np.array([label for _, label in rows])
    values = separation(scores, same)
    calls = [scores >= threshold for threshold in [*scores, np.inf]]
    f1s = [2 * (call & same).sum() / max(1, call.sum() + same.sum()) for call in calls]
    assert values["accuracy"] == pytest.approx(max((call == same).mean() for call in calls))
    assert values["f1"] == pytest.approx(max(f1s))
    assert ((scores >= values["accuracy_threshold"]) == same).mean() == pytest.approx(values["accuracy"])
    assert np.isfinite(list(values.values())).all()


def test_a_threshold_between_neighbouring_floats_still_tells_them_apart() -> None:
    lower = np.float32(0.5)
    scores = np.array([np.nextafter(lower, np.float32(1)), lower], np.float32)
    threshold = separation(scores, np.array([True, False]))["f1_threshold"]
    assert (scores >= threshold).tolist() == [True, False]


def test_one_pair_that_is_not_the_same_gives_no_nan() -> None:
    values = separation(np.array([0.5], np.float32), np.array([False]))
    assert (values["ap"], values["accuracy"], values["f1"]) == (0.0, 1.0, 0.0)
    assert np.isfinite(list(values.values())).all()

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from vectors import Vectors, examples, random_vectors, words

from embtune.catalog.choices import Similarity
from embtune.catalog.spec import LabelKind
from embtune.errors import DataError
from embtune.evaluate.choose import evaluator_for
from embtune.evaluate.evaluator import Evaluator
from embtune.evaluate.nearest_centroid import NearestCentroidEvaluator, nearest_centroid_is_own
from embtune.evaluate.scoring import normalised

TEXTS = words("t", 40)
CENTROID, NEIGHBOUR = "dev/nearest_centroid_accuracy", "dev/nearest_neighbor_accuracy"


def evaluator(labels: list[int], similarity: Similarity = Similarity.COSINE) -> Evaluator:
    return evaluator_for(examples({"text": TEXTS[: len(labels)]}, labels, LabelKind.CLASS), similarity)


def clustered(labels: list[int], seed: int) -> Vectors:
    """Vectors around one point a class, far enough apart that most and not all are told rightly."""
    vectors = random_vectors(TEXTS[: len(labels)], seed)
    points = np.random.default_rng(seed + 100).normal(size=(max(labels) + 1, 12)).astype(np.float32)
    return Vectors({text: vectors.table[text] + points[label] for text, label in zip(TEXTS, labels, strict=False)}, [])


def labels_of(seed: int, classes: int = 6) -> list[int]:
    return [int(label) for label in np.random.default_rng(seed).integers(0, classes, size=40)]


def score(name: Similarity, a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if name is Similarity.DOT:
        return float(a @ b)
    if name is Similarity.EUCLIDEAN:
        return -float(np.linalg.norm(a - b))
    if name is Similarity.MANHATTAN:
        return -float(np.abs(a - b).sum())
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("similarity", Similarity)
@pytest.mark.parametrize("seed", range(3))
def test_accuracy_equals_loops_that_leave_each_text_out(similarity: Similarity, seed: int) -> None:
    labels = labels_of(seed)
    vectors = clustered(labels, seed)
    table = np.stack(list(vectors.table.values())).astype(np.float64)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True) if similarity is Similarity.COSINE else table
    hits, neighbours = [], []
    for row, label in enumerate(labels):
        others = [other for other in range(40) if other != row]
        near = {
            name: score(similarity, unit[row], unit[[other for other in others if labels[other] == name]].mean(axis=0))
            for name in {labels[other] for other in others}
        }
        hits.append(max(near, key=lambda name: near[name]) == label)
        neighbours.append(labels[max(others, key=lambda other: score(similarity, unit[row], unit[other]))] == label)
    values = evaluator(labels, similarity).run(vectors)
    assert 0.2 < values[CENTROID] < 1
    assert values == pytest.approx({CENTROID: np.mean(hits), NEIGHBOUR: np.mean(neighbours)})


@pytest.mark.parametrize("seed", range(3))
def test_accuracy_equals_scikit_learn_fitted_without_each_text(seed: int) -> None:
    labels = np.array(labels_of(seed))
    vectors = clustered(labels.tolist(), seed)
    table = np.stack(list(vectors.table.values()))
    rest = [np.delete(np.arange(40), row) for row in range(40)]
    centroid = [NearestCentroid().fit(table[r], labels[r]).predict(table[[row]])[0] for row, r in enumerate(rest)]
    nearest = [KNeighborsClassifier(1).fit(table[r], labels[r]).predict(table[[row]])[0] for row, r in enumerate(rest)]
    values = evaluator(labels.tolist(), Similarity.EUCLIDEAN).run(vectors)
    assert values == pytest.approx({CENTROID: np.mean(centroid == labels), NEIGHBOUR: np.mean(nearest == labels)})


def test_every_width_is_measured_on_vectors_cut_to_it() -> None:
    labels = labels_of(4)
    vectors = clustered(labels, 4)
    cut = Vectors({text: normalised(vector[None, :4])[0] for text, vector in vectors.table.items()}, [])
    values = evaluator(labels).run(vectors, (None, 4))
    assert values["dev@4/nearest_centroid_accuracy"] == evaluator(labels).run(cut)[CENTROID]
    assert values["dev@4/nearest_centroid_accuracy"] < values[CENTROID]


def test_a_text_alone_of_its_class_is_not_judged_but_competes() -> None:
    table = {"t0": [1.0, 0.0], "t1": [1.0, 0.1], "t2": [0.0, 1.0], "t3": [0.1, 1.0], "t4": [1.0, 0.05]}
    vectors = Vectors({text: np.array(vector, np.float32) for text, vector in table.items()}, [])
    values = evaluator([0, 0, 1, 1, 2]).run(vectors)
    assert values[CENTROID] == 0.5  # t0 and t1 are nearer to t4
    assert values[NEIGHBOUR] == 0.5


@pytest.mark.parametrize("similarity", Similarity)
def test_a_model_that_gives_one_vector_for_all_is_never_right(similarity: Similarity) -> None:
    vector = np.random.default_rng(0).normal(size=384).astype(np.float32)
    assert evaluator(labels_of(0), similarity).run(Vectors(dict.fromkeys(TEXTS, vector), []))[CENTROID] == 0


def test_blocks_of_rows_change_nothing() -> None:
    labels = labels_of(2)
    texts = normalised(np.stack(list(clustered(labels, 2).table.values())))
    classes, sizes = np.array(labels), np.bincount(labels)
    whole = nearest_centroid_is_own(texts, classes, sizes, Similarity.COSINE)
    for rows in (1, 7, 40):
        parts = nearest_centroid_is_own(texts, classes, sizes, Similarity.COSINE, scores_at_once=rows * len(sizes))
        assert (parts == whole).all()


def test_texts_with_1_or_0_are_texts_of_two_classes() -> None:
    data = examples({"text": TEXTS[:4]}, [0, 1, 0, 1], LabelKind.BINARY)
    assert isinstance(evaluator_for(data), NearestCentroidEvaluator)


def test_a_set_without_two_rows_of_a_class_is_refused() -> None:
    with pytest.raises(DataError, match="no two rows of the same class"):
        evaluator([0, 1, 2])

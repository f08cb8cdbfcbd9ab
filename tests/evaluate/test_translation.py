from __future__ import annotations

import numpy as np
import pytest
from sentence_transformers.sentence_transformer.evaluation import TranslationEvaluator as Reference
from vectors import Vectors, examples, random_vectors, words

from embtune.catalog.choices import Similarity
from embtune.config.words import EvaluatorName
from embtune.errors import DataError
from embtune.evaluate.choose import evaluator_for
from embtune.evaluate.evaluator import Evaluator
from embtune.evaluate.retrieval import RetrievalEvaluator
from embtune.evaluate.translation import TranslationEvaluator


def translation(source: list[str], target: list[str], similarity: Similarity = Similarity.COSINE) -> Evaluator:
    data = examples({"anchor": source, "positive": target})
    return evaluator_for(data, similarity, asked=(EvaluatorName.TRANSLATION,))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_accuracies_equal_those_of_sentence_transformers(seed: int) -> None:
    source, target = words("s", 30), words("t", 30)
    vectors = random_vectors([*source, *target], seed, width=4)
    for one, other in zip(source, target, strict=True):
        vectors.table[other] = vectors.table[one] + 0.6 * vectors.table[other]
    theirs = Reference(source, target, write_csv=False)(vectors.sentence_transformer())
    ours = translation(source, target).run(vectors)
    assert 0 < ours["dev/accuracy"] < 1
    assert ours["dev/accuracy_source_to_target"] == pytest.approx(theirs["src2trg_accuracy"])
    assert ours["dev/accuracy_target_to_source"] == pytest.approx(theirs["trg2src_accuracy"])
    assert ours["dev/accuracy"] == pytest.approx(theirs["mean_accuracy"])


def test_every_translation_of_a_text_is_right() -> None:
    table = {"dog": [1, 0], "cat": [0, 1], "Hund": [0.9, 0.1], "Köter": [1, 0.01], "Katze": [0.6, 0.5]}
    vectors = Vectors({text: np.array(vector, dtype=np.float32) for text, vector in table.items()}, [])
    found = translation(["dog", "dog", "cat"], ["Hund", "Köter", "Katze"]).run(vectors)
    assert found["dev/accuracy_source_to_target"] == 1  # the nearest to dog is Köter, of another row
    assert found["dev/accuracy_target_to_source"] == pytest.approx(2 / 3)  # Katze is nearer to dog


def test_pairs_are_translations_only_where_that_is_asked_for() -> None:
    data = examples({"anchor": ["a", "b"], "positive": ["c", "d"]})
    assert isinstance(evaluator_for(data), RetrievalEvaluator)
    assert isinstance(evaluator_for(data, asked=(EvaluatorName.RETRIEVAL,)), RetrievalEvaluator)
    both = (EvaluatorName.TRANSLATION, EvaluatorName.RETRIEVAL)
    assert isinstance(evaluator_for(data, asked=both), TranslationEvaluator)  # what is named first
    assert isinstance(evaluator_for(data, asked=(EvaluatorName.TRIPLET,)), RetrievalEvaluator)


def test_one_target_is_nothing_to_measure() -> None:
    with pytest.raises(DataError, match="a single text on one side"):
        translation(["a", "b"], ["c", "c"])


@pytest.mark.parametrize("similarity", list(Similarity))
def test_dims_and_similarities(similarity: Similarity) -> None:
    source, target = words("s", 8), words("t", 8)
    evaluator = translation(source, target, similarity)
    values = evaluator.run(random_vectors([*source, *target], 0), [None, 4])
    assert tuple(values) == evaluator.metric_names([None, 4])

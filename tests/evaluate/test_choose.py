from collections.abc import Mapping, Sequence

import pytest
from vectors import examples, random_vectors

from embtune.catalog.spec import LabelKind
from embtune.errors import ConfigError, DataError, Location
from embtune.evaluate.binary import BinaryEvaluator
from embtune.evaluate.choose import all_metric_names, check_best_metric, evaluable_formats, evaluator_for
from embtune.evaluate.evaluator import Evaluator
from embtune.evaluate.retrieval import RetrievalEvaluator
from embtune.evaluate.similarity import SimilarityEvaluator
from embtune.evaluate.triplet import TripletEvaluator

AB = {"sentence_A": ["a", "b"], "sentence_B": ["c", "d"]}
PAIRS = {"anchor": ["a", "b"], "positive": ["c", "d"]}


@pytest.mark.parametrize(
    ("columns", "labels", "kind", "expected"),
    [
        (PAIRS, None, LabelKind.NONE, RetrievalEvaluator),
        (PAIRS | {"negative": ["e", "f"]}, None, LabelKind.NONE, TripletEvaluator),
        (PAIRS | {"negative_1": ["e", "f"], "negative_2": ["g", None]}, None, LabelKind.NONE, TripletEvaluator),
        (AB, [0.0, 0.5], LabelKind.SCORE, SimilarityEvaluator),
        (PAIRS, [0.0, 0.5], LabelKind.SCORE, SimilarityEvaluator),
        (AB, [0.0, 1.0], LabelKind.BINARY, BinaryEvaluator),
    ],
)
def test_roles_and_label_decide_the_evaluator(
    columns: Mapping[str, Sequence[str | None]], labels: list[float] | None, kind: LabelKind, expected: type[Evaluator]
) -> None:
    evaluator = evaluator_for(examples(columns, labels, kind))
    assert isinstance(evaluator, expected)
    values = evaluator.run(random_vectors("abcdefg", 0))
    assert tuple(values) == evaluator.metric_names([None])


def test_pairs_are_searched_over_the_distinct_positives() -> None:
    data = examples({"anchor": ["a", "b", "a"], "positive": ["c", "c", "d"]})
    vectors = random_vectors("abcd", 1)
    values = evaluator_for(data).run(vectors)
    assert [(role, sorted(texts)) for role, texts in vectors.calls] == [
        ("anchor", ["a", "b"]),
        ("positive", ["c", "d"]),
    ]
    # both documents are relevant to "a": whatever the order, its first is right
    assert values["dev/accuracy@1"] >= 0.5


def test_a_format_without_an_evaluator_is_refused_naming_those_that_have_one() -> None:
    data = examples(AB, [0, 1], LabelKind.CLASS)
    with pytest.raises(ConfigError) as caught:
        evaluator_for(data, location=Location("run.yaml", 9, 7))
    text = str(caught.value)
    assert text.startswith("run.yaml:9:7: error[no-evaluator]")
    assert "sentence_A, sentence_B + label (class)" in text
    assert all(words in text for words in evaluable_formats())


@pytest.mark.parametrize("kind", [LabelKind.SCORE, LabelKind.BINARY])
def test_labels_that_are_all_the_same_are_refused(kind: LabelKind) -> None:
    with pytest.raises(DataError, match="one label only, 1, in all of its 2 rows"):
        evaluator_for(examples(AB, [1.0, 1.0], kind))


def test_sets_no_model_can_fail_or_pass_on_are_refused() -> None:
    with pytest.raises(DataError, match="has no rows"):
        evaluator_for(examples({"anchor": [], "positive": [], "negative": []}))
    with pytest.raises(DataError, match="single document"):
        evaluator_for(examples({"anchor": ["a", "b"], "positive": ["c", "c"]}))


def test_a_best_metric_is_one_that_is_better_when_higher_at_a_width_that_is_measured() -> None:
    evaluators = [evaluator_for(examples(AB, [0, 1], LabelKind.BINARY, "dup")), evaluator_for(examples(PAIRS))]
    names = all_metric_names(evaluators, [None, 64])
    assert "dup/ap" in names
    assert "dup/f1_threshold" not in names
    assert "dev@64/ndcg@10" in names
    assert check_best_metric("dev@64/ndcg@10", names) == "dev@64/ndcg@10"


def test_a_metric_that_does_not_exist_is_refused_with_the_nearest_and_all_names() -> None:
    names = all_metric_names([evaluator_for(examples(PAIRS))], [None])
    with pytest.raises(ConfigError) as caught:
        check_best_metric("dev/ndgc@10", names, Location("run.yaml", 30, 16))
    text = str(caught.value)
    assert text.startswith("run.yaml:30:16: error[unknown-metric]")
    assert "Did you mean 'dev/ndcg@10'?" in text
    assert all(name in text for name in names)


def test_a_best_metric_without_any_evaluation_set_says_why() -> None:
    with pytest.raises(ConfigError, match="there is no evaluation set"):
        check_best_metric("dev/map", ())

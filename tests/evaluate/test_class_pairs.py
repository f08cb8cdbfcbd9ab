"""Heads that name the class of a pair: worked by hand, against scikit-learn, cut to widths, saved and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch import Tensor

from embtune.catalog.spec import LabelKind
from embtune.data.examples import Examples
from embtune.errors import ConfigError, ModelError, RunError
from embtune.evaluate.choose import evaluator_for
from embtune.evaluate.class_pairs import ClassPairEvaluator, PairClassifier, macro_f1, named_classes
from embtune.evaluate.saved_classifiers import FOLDER, load_classifiers, save_classifiers
from embtune.losses.pair_head import PairFeatures, PairHead, pair_heads

DIFFERENCE = PairFeatures(both=False, difference=True, product=False)
EVERYTHING = PairFeatures(both=True, difference=True, product=True)


def head_of(weight: Tensor, *, unit_vectors: bool = False) -> PairHead:
    """A head that sees |a - b| alone."""
    head = PairHead(weight.shape[1], len(weight), DIFFERENCE, unit_vectors=unit_vectors)
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.zero_()
    return head


def pairs(classes: list[int], names: tuple[str, ...] = ("apart", "same")) -> Examples:
    ids = np.arange(len(classes), dtype=np.int32)
    texts = [f"left {n}" for n in ids] + [f"right {n}" for n in ids]
    columns = {"sentence_A": ids, "sentence_B": ids + len(ids)}
    labels = np.asarray(classes, dtype=np.int64)
    return Examples("dev", ("sentence_A", "sentence_B"), texts, columns, labels, LabelKind.CLASS, names)


def test_a_head_sees_both_difference_and_product_in_that_order() -> None:
    left, right = torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, 4.0]])
    assert EVERYTHING.of(left, right).tolist() == [[1, -2, 3, 4, 2, 6, 3, -8]]
    assert PairHead(2, 3, EVERYTHING).weight.shape == (3, EVERYTHING.count * 2)


def test_the_class_named_is_that_of_the_highest_score() -> None:
    head = head_of(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))  # class 0: apart in the first number, 1: in the second
    left, right = np.zeros((2, 2), np.float32), np.array([[3, 1], [1, 3]], np.float32)
    assert named_classes(head, left, right).tolist() == [0, 1]


def test_wider_embeddings_are_cut_and_brought_to_length_1_and_others_only_where_the_head_learnt_so() -> None:
    # class 0 where the first numbers differ by less than half
    weight = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    plain, unit = head_of(weight), head_of(weight, unit_vectors=True)
    for head in (plain, unit):
        with torch.no_grad():
            head.bias.copy_(torch.tensor([0.5, -0.5]))
    left, right = np.array([[3, 0]], np.float32), np.array([[1, 0]], np.float32)  # apart by 2, as unit vectors by 0
    assert named_classes(plain, left, right).tolist() == [1]
    assert named_classes(unit, left, right).tolist() == [0]
    wider = np.ones((1, 1), np.float32)
    assert named_classes(plain, np.hstack([left, wider]), np.hstack([right, wider])).tolist() == [0]


def test_measures_are_those_of_scikit_learn_over_the_classes_of_the_set() -> None:
    named, classes = np.array([0, 0, 1, 2, 5]), np.array([0, 1, 1, 0, 2])
    scores = [f1_score(classes == each, named == each, zero_division=0) for each in (0, 1, 2)]
    assert macro_f1(named, classes) == pytest.approx(float(np.mean(scores)))


def test_an_evaluator_measures_each_width_with_its_own_head() -> None:
    right_way, wrong_way = torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.5], [0.0]])
    evaluator = ClassPairEvaluator(pairs([1, 1, 1]), {2: head_of(right_way), 1: head_of(wrong_way)})

    def encode(texts: object, role: str | None) -> np.ndarray:
        value = [1.0, 0.0] if role == "sentence_A" else [-1.0, 1.0]
        return np.array([value] * 3, np.float32)

    found = evaluator.run(encode, (None, 1))
    assert found == {"dev/accuracy": 1.0, "dev/macro_f1": 1.0, "dev@1/accuracy": 0.0, "dev@1/macro_f1": 0.0}
    narrow = ClassPairEvaluator(pairs([1, 1, 1]), {2: head_of(right_way)})
    with pytest.raises(RunError, match="no trained head reads embeddings of 1 dims; there are heads for 2"):
        narrow.run(encode, (1,))


def test_pairs_with_a_class_have_an_evaluator_only_where_a_head_is_trained_on_such() -> None:
    data = pairs([0, 1])
    assert isinstance(evaluator_for(data, heads={}), ClassPairEvaluator)
    assert evaluator_for(data, heads={}).metric_names((None,)) == ("dev/accuracy", "dev/macro_f1")
    with pytest.raises(ConfigError, match="where a head was trained on such pairs"):
        evaluator_for(data)


def test_heads_are_found_in_any_module_the_first_of_each_width() -> None:
    first, second, third = (PairHead(width, 2, DIFFERENCE) for width in (4, 4, 2))
    nested = torch.nn.ModuleDict({"a": torch.nn.ModuleList([first, second]), "b": third})
    assert pair_heads(nested) == {4: first, 2: third}
    assert pair_heads(torch.nn.Linear(2, 2)) == {}


@pytest.fixture
def classifiers() -> tuple[PairClassifier, ...]:
    heads = {width: PairHead(width, 3, EVERYTHING, unit_vectors=True) for width in (8, 4)}
    return (PairClassifier(("no", "maybe"), heads), PairClassifier(("é", "1"), {8: PairHead(8, 2, DIFFERENCE)}))


def test_saved_classifiers_come_back_equal_and_draw_nothing(
    classifiers: tuple[PairClassifier, ...], tmp_path: Path
) -> None:
    save_classifiers(classifiers, tmp_path)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    found = load_classifiers(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert [each.classes for each in found] == [each.classes for each in classifiers]
    for ours, theirs in zip(found, classifiers, strict=True):
        assert set(ours.heads) == set(theirs.heads)
        for width, head in theirs.heads.items():
            twin = ours.heads[width]
            assert (twin.features, twin.unit_vectors, twin.width) == (head.features, head.unit_vectors, width)
            assert torch.equal(twin.weight, head.weight)
            assert torch.equal(twin.bias, head.bias)


def test_no_classifiers_leave_no_folder(tmp_path: Path) -> None:
    save_classifiers((), tmp_path)
    assert not list(tmp_path.iterdir())
    assert load_classifiers(tmp_path) == ()


@pytest.mark.parametrize(
    ("old", "new"), [('"outputs": 3', '"outputs": 4'), ('"widths"', '"width"'), ("[", "]"), ('"both"', '"all"')]
)
def test_files_that_do_not_fit_are_one_located_error(
    classifiers: tuple[PairClassifier, ...], old: str, new: str, tmp_path: Path
) -> None:
    save_classifiers(classifiers, tmp_path)
    path = tmp_path / FOLDER / "pair_classifiers.json"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelError, match="the trained heads cannot be read"):
        load_classifiers(tmp_path)

"""Properties of every conversion, against slow loops: nothing is made up, no negative is a positive, draws are fair."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from conversion_cases import (
    BINARY,
    CLASS_TEXTS,
    LISTS,
    NLI,
    PLAIN,
    SCORED,
    TRIPLETS,
    Values,
    converted,
    converted_folder,
    retrieval_sets,
    texts_of,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from embtune.data.retrieval import RetrievalSet
from embtune.errors import DataError

COUNTS = st.integers(1, 3)
CASES = [
    (CLASS_TEXTS, "pairs"),
    (CLASS_TEXTS, "triplets"),
    (NLI, "binary"),
    (NLI, "triplets"),
    (SCORED, "pairs"),
    (BINARY, "pairs"),
    (BINARY, "triplets"),
    (TRIPLETS, "pairs"),
    (LISTS, "n-tuples"),
    (LISTS, "triplets"),
    (PLAIN, "pairs"),
    (PLAIN, "binary"),
]


def made(rows: Sequence[Values], to: str, seed: int = 42, **options: float) -> list[Values]:
    """The rows that come out; an example that yields none, which is refused, tells nothing."""
    try:
        return converted(rows, to, seed, None, **options)[0]
    except DataError:
        assume(False)
        raise


@settings(max_examples=30)
@given(data=st.data())
@pytest.mark.parametrize(("rows", "to"), CASES)
def test_no_text_is_made_up(rows: st.SearchStrategy[list[Values]], to: str, data: st.DataObject) -> None:
    drawn = data.draw(rows)
    assert texts_of(made(drawn, to)) <= texts_of(drawn)


@settings(max_examples=30)
@given(data=st.data())
@pytest.mark.parametrize(("rows", "to"), CASES)
def test_a_seed_makes_the_same_whatever_the_order_of_the_rows(
    rows: st.SearchStrategy[list[Values]], to: str, data: st.DataObject
) -> None:
    drawn = data.draw(rows)
    found = made(drawn, to)
    assert converted(drawn, to)[0] == found
    shuffled = converted(data.draw(st.permutations(drawn)), to)[0]
    assert Counter(map(str, shuffled)) == Counter(map(str, found))


@given(CLASS_TEXTS, COUNTS)
def test_texts_of_a_class_are_paired_each_as_often(rows: list[Values], positives: int) -> None:
    members = {name: {row["text"] for row in rows if row["label"] == name} for name in ("red", "green", "blue")}
    found = made(rows, "pairs", positives=positives)
    assert all(row["anchor"] != row["positive"] for row in found)
    assert all(any({row["anchor"], row["positive"]} <= texts for texts in members.values()) for row in found)
    assert len(found) == sum(len(texts) * min(positives, len(texts) - 1) for texts in members.values() if texts)


@given(CLASS_TEXTS, COUNTS)
def test_a_negative_has_no_class_of_the_anchor(rows: list[Values], negatives: int) -> None:
    classes: dict[str, set[str]] = {}
    for row in rows:
        classes.setdefault(row["text"], set()).add(row["label"])
    found = made(rows, "triplets", negatives=negatives)
    for row in found:
        assert not classes[row["negative"]] & classes[row["anchor"]]
        assert row["negative"] != row["positive"]
    beside = Counter((row["anchor"], row["positive"]) for row in converted(rows, "pairs")[0])
    for pair, count in Counter((row["anchor"], row["positive"]) for row in found).items():
        single = [text for text, names in classes.items() if len(names) == 1 and not names & classes[pair[0]]]
        assert count == beside[pair] * min(negatives, len(single))


@given(st.one_of(BINARY, NLI), COUNTS)
def test_triplets_of_judged_pairs_hold_what_was_judged(rows: list[Values], negatives: int) -> None:
    meaning = {0: 0, 1: 1, "entailment": 1, "contradiction": 0}
    judged = {
        (*texts, meaning[row["label"]])
        for row in rows
        if row["label"] in meaning
        for texts in itertools.permutations((row["sentence_A"], row["sentence_B"]))
    }
    found = made(rows, "triplets", negatives=negatives)
    for row in found:
        assert (row["anchor"], row["positive"], 1) in judged
        assert (row["anchor"], row["negative"], 0) in judged
        assert (row["anchor"], row["negative"], 1) not in judged
        assert len({row["anchor"], row["positive"], row["negative"]}) == 3
    assert max(Counter((row["anchor"], row["positive"]) for row in found).values()) <= negatives


@given(SCORED, st.sampled_from([0.25, 0.7, 1.0]))
def test_pairs_from_the_threshold_on_are_kept(rows: list[Values], threshold: float) -> None:
    alike = [
        (row["sentence_A"], row["sentence_B"])
        for row in rows
        if row["score"] >= threshold and row["sentence_A"] != row["sentence_B"]
    ]
    assume(alike)
    found = converted(rows, "pairs", threshold=threshold)[0]
    assert [(row["anchor"], row["positive"]) for row in found] == list(dict.fromkeys(alike))


@given(SCORED)
def test_scores_become_1_from_the_threshold_on(rows: list[Values]) -> None:
    labels = [int(row["score"] >= 0.7) for row in rows]
    assume(len(set(labels)) == 2)
    assume(not {row["score"] for row in rows} <= {0.0, 1.0})  # that is 1 and 0 already
    assert [row["label"] for row in converted(rows, "binary", threshold=0.7)[0]] == labels


@given(LISTS)
def test_a_list_becomes_columns_and_columns_a_list_again(rows: list[Values]) -> None:
    found = converted(rows, "n-tuples")[0]
    assert len({tuple(row) for row in found}) == 1
    back = converted(found, "list", columns={name: name for name in found[0]})[0]
    assert back == rows


@given(LISTS)
def test_n_tuples_become_a_row_for_each_negative(rows: list[Values]) -> None:
    expected = [
        {"anchor": row["anchor"], "positive": row["positive"], "negative": negative}
        for row in rows
        for negative in row["negatives"]
        if negative not in (row["anchor"], row["positive"])
    ]
    assume(expected)
    assert converted(rows, "triplets")[0] == expected


@given(retrieval_sets(), COUNTS)
def test_documents_that_answer_a_query_are_never_its_negatives(data: RetrievalSet, negatives: int) -> None:
    answers: dict[str, set[str]] = {}
    for query, documents in data.qrels.items():
        answers.setdefault(data.queries[query], set()).update(data.corpus[document] for document in documents)
    pairs = {(query, text) for query, texts in answers.items() for text in texts if text != query}
    assume(pairs)
    found = converted_folder(data, "pairs")
    assert sorted((row["anchor"], row["positive"]) for row in found) == sorted(pairs)
    others = {query: set(data.corpus.values()) - texts - {query} for query, texts in answers.items()}
    assume(any(others[query] for query, _ in pairs))
    for row in converted_folder(data, "n-tuples", negatives=negatives):
        told = [row[f"negative_{number}"] for number in range(1, negatives + 1)]
        given_ones = [text for text in told if text is not None]
        assert set(given_ones) <= others[row["anchor"]]
        assert len(set(given_ones)) == len(given_ones) == min(negatives, len(others[row["anchor"]]))


@given(PLAIN)
def test_damage_leaves_words_of_the_text_in_their_order(rows: list[Values]) -> None:
    for row in made(rows, "damaged", ratio=0.5):
        words = iter(row["original"].split())
        assert all(word in words for word in row["damaged"].split())
        assert row["damaged"] != row["original"]


@given(PLAIN, COUNTS)
def test_every_text_stands_beside_itself_and_beside_others(rows: list[Values], negatives: int) -> None:
    texts = {row["text"] for row in rows}
    found = made(rows, "binary", negatives=negatives)
    assert {row["sentence_A"] for row in found if row["label"] == 1} == texts
    assert all((row["sentence_A"] == row["sentence_B"]) == (row["label"] == 1) for row in found)
    assert len(found) == len(texts) * (1 + min(negatives, len(texts) - 1))
    assert len({tuple(row.values()) for row in found}) == len(found)


def test_another_seed_draws_others() -> None:
    rows: list[Values] = [{"text": f"text {i}", "label": "abc"[i % 3]} for i in range(60)]
    one, two = ({tuple(row.values()) for row in converted(rows, "triplets", seed=seed)[0]} for seed in (1, 2))
    assert len(one & two) < 10


def test_negatives_are_drawn_from_all_other_texts_alike() -> None:
    rows: list[Values] = [{"text": f"text {i}", "label": "abcd"[i % 4]} for i in range(400)]
    random.Random(0).shuffle(rows)
    classes = {row["text"]: row["label"] for row in rows}
    met = Counter(classes[row["negative"]] for row in converted(rows, "triplets", negatives=3)[0])
    assert all(240 < count < 360 for count in met.values()), met  # 300 are expected of each, 15 is their deviation

import itertools

import numpy as np
import pytest
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from vectors import Vectors, random_vectors, words

from embtune.catalog.choices import Similarity
from embtune.data.retrieval import RetrievalSet
from embtune.evaluate.retrieval import RetrievalEvaluator

QUERIES, DOCUMENTS = words("q", 25), words("d", 140)


def dataset(seed: int) -> RetrievalSet:
    """Each query with one to four relevant documents; ids sort as the corpus is ordered, as the reference wants."""
    generator = np.random.default_rng(seed)
    corpus = {f"{number:04d}": text for number, text in enumerate(DOCUMENTS)}
    queries = {f"query-{number}": text for number, text in enumerate(QUERIES)}
    ids = list(corpus)
    qrels = {
        query: {ids[place]: 1 for place in generator.choice(len(ids), size=generator.integers(1, 5), replace=False)}
        for query in queries
    }
    return RetrievalSet("dev", queries, corpus, qrels)


def near_their_documents(data: RetrievalSet, seed: int) -> Vectors:
    """Vectors with which a relevant document is often, not always, among the first."""
    vectors = random_vectors(QUERIES + DOCUMENTS, seed)
    for query, relevant in data.qrels.items():
        for document in relevant:
            vectors.table[data.corpus[document]] = (
                vectors.table[data.corpus[document]] + vectors.table[data.queries[query]]
            )
    return vectors


@pytest.mark.parametrize("similarity", Similarity)
@pytest.mark.parametrize("seed", range(2))
def test_measures_equal_sentence_transformers(similarity: Similarity, seed: int) -> None:
    data = dataset(seed)
    vectors = near_their_documents(data, seed)
    relevant = {query: set(found) for query, found in data.qrels.items()}
    theirs = InformationRetrievalEvaluator(
        dict(data.queries), dict(data.corpus), relevant, precision_recall_at_k=[1, 5, 10, 100]
    )(vectors.sentence_transformer(similarity))
    ours = RetrievalEvaluator(data, similarity).run(vectors)
    for metric in RetrievalEvaluator.metrics:
        assert ours[f"dev/{metric}"] == pytest.approx(theirs[f"{similarity.value}_{metric}"], abs=1e-6)
    assert 0.1 < ours["dev/ndcg@10"] < 0.99


def test_queries_and_documents_are_encoded_under_their_roles() -> None:
    vectors = near_their_documents(dataset(0), 0)
    RetrievalEvaluator(dataset(0), query_role="anchor", document_role="positive").run(vectors, [None, 4])
    assert [(role, len(texts)) for role, texts in vectors.calls] == [("anchor", 25), ("positive", 140)]


def corner(relevant: dict[str, int]) -> dict[str, float]:
    """A query and three documents: `a` as the query, `b` across, `c` between."""
    table = {"x": [1.0, 0.0], "a": [1.0, 0.0], "b": [0.0, 1.0], "c": [1.0, 0.9]}
    vectors = Vectors({text: np.array(value, np.float32) for text, value in table.items()}, [])
    data = RetrievalSet("dev", {"1": "x"}, {"a": "a", "b": "b", "c": "c"}, {"1": relevant})
    return RetrievalEvaluator(data).run(vectors)


def test_ranks_by_hand() -> None:
    assert corner({"a": 1})["dev/mrr@10"] == 1.0
    assert corner({"c": 1})["dev/mrr@10"] == 0.5
    assert corner({"b": 1})["dev/ndcg@10"] == pytest.approx(1 / np.log2(4))
    assert corner({"a": 1, "b": 1})["dev/map@100"] == pytest.approx((1 + 2 / 3) / 2)


def test_graded_relevance_is_a_gain_for_ndcg_only() -> None:
    best = corner({"a": 2, "c": 1})
    turned = corner({"a": 1, "c": 2})
    assert best["dev/ndcg@10"] == pytest.approx(1.0)
    assert turned["dev/ndcg@10"] < 0.9
    assert best["dev/map@100"] == turned["dev/map@100"] == 1.0


def test_a_collapsed_model_ranks_in_corpus_order_each_time() -> None:
    data = dataset(3)
    vectors = Vectors({text: np.ones(3, np.float32) for text in itertools.chain(QUERIES, DOCUMENTS)}, [])
    first_found = [1 / (1 + min(int(d) for d in found)) for found in data.qrels.values()]
    expected = np.mean([value if value >= 1 / 10 else 0.0 for value in first_found])
    assert RetrievalEvaluator(data).run(vectors)["dev/mrr@10"] == pytest.approx(expected)

from dataclasses import replace

import pytest
import yaml

from embtune.catalog import find_spec
from embtune.report.gains import Gain
from embtune.report.model_card import CardFacts, Trained, model_card
from embtune.report.record import DataRecord


@pytest.fixture
def facts() -> CardFacts:
    loss = find_spec("MultipleNegativesRankingLoss")
    modifier = find_spec("MatryoshkaLoss")
    return CardFacts(
        name="medquad-minilm",
        base_model="sentence-transformers/all-MiniLM-L6-v2",
        base_is_on_hub=True,
        embedding_dim=384,
        max_seq_length=128,
        similarity="cosine",
        data=(
            DataRecord("medquad", "data/train.jsonl", "train", ("anchor", "positive"), "none", 1500, 0, "abc"),
            DataRecord("dev|1", "data/dev.jsonl", "eval", ("anchor", "positive"), "none", 100, 0, "def"),
        ),
        losses=(Trained(loss, loss.parameters()),),
        modifiers=(Trained(modifier, modifier.parameters.model_validate({"dims": [384, 128]})),),
        arguments={"train.batch_size": 64, "train.compile": False},
        scores=(Gain("dev/ndcg@10", 0.787, 0.85),),
        versions={"embtune": "0.1.0"},
        dims=(384, 128),
        prompts={"query": "query: ", "document": ""},
    )


def front_matter(card: str) -> dict[str, object]:
    _, header, _ = card.split("---\n", 2)
    content = yaml.safe_load(header)
    assert isinstance(content, dict)
    return content


def test_the_front_matter_is_what_the_hub_reads(facts: CardFacts) -> None:
    header = front_matter(model_card(facts))
    assert header["library_name"] == "sentence-transformers"
    assert header["pipeline_tag"] == "sentence-similarity"
    assert header["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    tags = header["tags"]
    assert isinstance(tags, list)
    assert {"sentence-transformers", "dataset_size:1500", "loss:MultipleNegativesRankingLoss"} <= set(tags)


def test_the_card_tells_losses_with_parameters_data_scores_and_papers(facts: CardFacts) -> None:
    card = model_card(facts)
    for words in (
        "scale=20.0",
        "`MatryoshkaLoss` with `dims=[384, 128]",
        "cut to 128 dimensions",
        "| medquad | train | 1,500 | anchor, positive | none |",
        "| dev\\|1 | eval |",
        "| dev/ndcg@10 | 0.7870 | 0.8500 | +0.0630 |",
        "* train.compile: false",
        "* `query`: 'query: '",
    ):
        assert words in card
    for used in (*facts.losses, *facts.modifiers):
        assert all(paper.link in card for paper in used.spec.papers)


def test_a_local_base_model_is_neither_linked_nor_told_with_its_place(facts: CardFacts) -> None:
    card = model_card(replace(facts, base_model="/home/somebody/models/minilm", base_is_on_hub=False))
    assert "base_model" not in front_matter(card)
    assert "`minilm`" in card
    assert "somebody" not in card


def test_what_a_run_does_not_have_leaves_no_empty_section(facts: CardFacts) -> None:
    card = model_card(replace(facts, scores=(), arguments={}, prompts={}, dims=()))
    assert "## Evaluation" not in card
    assert "Arguments" not in card
    assert "Prompts" not in card
    assert "\n\n\n" not in card

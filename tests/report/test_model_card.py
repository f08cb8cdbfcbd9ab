"""The card, from facts by hand: what the hub reads of it, and what people do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from embtune.catalog import find_spec
from embtune.report.card_tables import DataCard, ScoreCard
from embtune.report.gains import Gain
from embtune.report.model_card import CardFacts, Trained, model_card
from embtune.report.record import DataRecord

TRAIN = DataRecord("medquad", "data/train.jsonl", "train", ("anchor", "positive"), "none", 1500, 0, "abc")
DEV = DataRecord("dev|1", "data/dev.jsonl", "eval", ("anchor", "positive"), "none", 100, 0, "def")


@pytest.fixture
def facts() -> CardFacts:
    loss = find_spec("MultipleNegativesRankingLoss")
    modifier = find_spec("MatryoshkaLoss")
    gains = {"ndcg@10": [Gain("dev|1/ndcg@10", 0.787, 0.85), Gain("dev|1@128/ndcg@10", 0.5, 0.8)]}
    return CardFacts(
        name="medquad-minilm",
        base_model="sentence-transformers/all-MiniLM-L6-v2",
        base_is_on_hub=True,
        embedding_dim=384,
        max_seq_length=128,
        similarity="cosine",
        data=(
            DataCard(TRAIN, "pairs: anchor, positive", [{"anchor": "what | is <b>*it*</b>", "positive": "x" * 500}]),
            DataCard(DEV, "pairs: anchor, positive", []),
        ),
        losses=(Trained(loss, loss.parameters(), 0.5, ("medquad",)),),
        modifiers=(Trained(modifier, modifier.parameters.model_validate({"dims": [384, 128]})),),
        arguments={"train.batch_size": 64, "train.compile": False},
        scores=(ScoreCard("dev|1", (384, 128), gains),),
        versions={"embtune": "0.1.0"},
        dims=(384, 128),
        prompts={"query": "query: ", "document": ""},
        classes=(("entailment", "neutral"),),
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
    wanted = {"sentence-transformers", "dataset_size:1500", "loss:MultipleNegativesRankingLoss", "loss:MatryoshkaLoss"}
    assert wanted <= set(tags)


def test_the_licence_is_left_to_the_user(facts: CardFacts) -> None:
    card = model_card(facts)
    assert card.splitlines()[1].startswith("# license: ")
    assert "license" not in front_matter(card)


def test_the_card_tells_losses_with_parameters_data_scores_and_papers(facts: CardFacts) -> None:
    card = model_card(facts)
    for words in (
        "**MultipleNegativesRankingLoss**, on medquad: Rank",
        "  weight: 0.5\n  scale: 20.0\n",
        "modifiers:\n- name: MatryoshkaLoss\n",
        "cut to 128 dimensions",
        "truncate_dim=128",
        "| medquad | training | pairs: anchor, positive | 1,500 |",
        "| dev\\|1 | evaluation |",
        "| metric | 384 dims | 128 dims |",
        "| ndcg@10 | 0.7870 → 0.8500 | 0.5000 → 0.8000 |",
        "| `train.compile` | false |",
        "| `query` | `query: ` |",
        "a classifier of pairs into `entailment`, `neutral`",
        "| what \\| is \\<b\\>\\*it\\*\\</b\\> | xxxx",
    ):
        assert words in card, words
    assert "x" * 161 not in card
    for used in (*facts.losses, *facts.modifiers):
        assert used.spec.formula in card
        assert all(f"url = {{{paper.link}}}" in card for paper in used.spec.papers)


def test_entries_of_losses_are_yaml_that_a_config_takes(facts: CardFacts) -> None:
    blocks = [part.partition("```")[0] for part in model_card(facts).split("```yaml\n")[1:]]
    loss, modifiers = map(yaml.safe_load, blocks)
    assert find_spec(loss["loss"].pop("name")).parameters.model_validate(
        {key: value for key, value in loss["loss"].items() if key != "weight"}
    )
    assert [each["dims"] for each in modifiers["modifiers"]] == [[384, 128]]


def test_a_list_of_losses_is_one_entry_for_each_group_of_sets(facts: CardFacts) -> None:
    names = ("MultipleNegativesRankingLoss", "GlobalOrthogonalRegularizationLoss", "CoSENTLoss")
    specs = [find_spec(name) for name in names]
    data: list[tuple[str, ...]] = [("nq",), ("nq",), ("sts",)]
    losses = [Trained(spec, spec.parameters(), 0.5, on) for spec, on in zip(specs, data, strict=True)]
    blocks = [part.partition("```")[0] for part in model_card(replace(facts, losses=losses)).split("```yaml\n")[1:]]
    of_nq, of_sts, modifiers = map(yaml.safe_load, blocks)
    assert [entry["name"] for entry in of_nq["loss"]] == list(names[:2])
    assert of_sts["loss"]["name"] == names[2]
    assert [entry["name"] for entry in modifiers["modifiers"]] == ["MatryoshkaLoss"]


def test_one_width_has_a_column_for_the_gain(facts: CardFacts) -> None:
    scores = ScoreCard("dev", (384,), {"ndcg@10": [Gain("dev/ndcg@10", 0.787, 0.85)]})
    card = model_card(replace(facts, scores=(scores,), dims=(384,)))
    assert "| ndcg@10 | 0.7870 | 0.8500 | +0.0630 |" in card
    assert "truncate_dim" not in card


def test_a_base_that_is_not_on_the_hub_is_not_linked(facts: CardFacts) -> None:
    card = model_card(replace(facts, base_model="owner/minilm", base_is_on_hub=False))
    assert "base_model" not in front_matter(card)
    assert "fine-tuned from `owner/minilm` with" in card
    assert "huggingface.co/owner" not in card


def test_a_guide_is_not_told_with_its_place(facts: CardFacts) -> None:
    guided = find_spec("GISTEmbedLoss")
    loss = Trained(guided, guided.parameters.model_validate({"guide": "/home/somebody/models/guide"}))
    card = model_card(replace(facts, losses=(loss,)))
    assert "guide: guide\n" in card
    assert "somebody" not in card


def test_what_a_run_does_not_have_leaves_no_empty_section(facts: CardFacts) -> None:
    card = model_card(replace(facts, scores=(), arguments={}, prompts={}, dims=(), classes=()))
    assert "## Evaluation" not in card
    assert "| argument |" not in card
    assert "Prompts" not in card
    assert "classifier" not in card
    assert "\n\n\n" not in card


def test_a_model_for_queries_is_told_of_and_used_apart(facts: CardFacts) -> None:
    card = model_card(replace(facts, query_model="scratch:static"))
    assert "fine-tuned from `scratch:static`" in card
    assert "model.encode_query(" in card
    assert "model.encode_document(" in card
    assert "model.encode(" not in card
    assert "--prompt query" in card
    assert "encode_query" not in model_card(facts)

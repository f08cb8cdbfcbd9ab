"""How much is embedded at once: decided by the machine and the kind of model, and the same for a resumed run."""

from __future__ import annotations

import torch
from engine import engine, examples, scratch_model

from embtune.catalog.spec import LabelKind
from embtune.config.words import GradientCache
from embtune.train.budget import decide_budget

CPU = torch.device("cpu")


def test_a_model_without_layers_embeds_thousands_of_texts_at_once() -> None:
    """Each micro-batch of it costs a gradient of the whole table."""
    budget = decide_budget(CPU, 0, 1024, None, GradientCache.AUTO).micro_batch_tokens
    made = engine("mnrl", examples(("anchor", "positive"), LabelKind.NONE, size=2048), model=scratch_model("static"))
    (group,) = made.prepared(budget=budget).groups
    assert [len(batch.slots) for batch in group.text_batches] == [4096]
    assert group.text_batches[0].features.token_slots == group.tokens > 60_000
    assert budget * 1024 * 4 <= 1 << 30, "with a vector a token, of a wide model"


def test_what_the_config_asks_for_is_taken() -> None:
    assert decide_budget(CPU, 0, 32, 77, GradientCache.AUTO).micro_batch_tokens == 77
    assert decide_budget(CPU, 6, 32, 77, GradientCache.AUTO).micro_batch_tokens == 77


def test_how_steps_are_cut_does_not_depend_on_the_memory_left() -> None:
    before = decide_budget(CPU, 6, 384, None, GradientCache.AUTO)
    ballast = torch.ones(50_000_000)  # 200 MB
    assert decide_budget(CPU, 6, 384, None, GradientCache.AUTO) == before
    assert ballast.sum() > 0


def test_half_a_budget_is_half_of_what_takes_memory() -> None:
    budget = decide_budget(CPU, 6, 384, 100, GradientCache.NEVER)
    halved = budget.halved()
    assert (halved.micro_batch_tokens, halved.launch_tokens) == (50, budget.launch_tokens)
    assert halved.kept_tokens is not None
    assert budget.kept_tokens is not None
    assert halved.kept_tokens * 2 == budget.kept_tokens

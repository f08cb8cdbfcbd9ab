"""Which prompt and which length a role's texts get."""

from __future__ import annotations

from pathlib import Path

from small_run import write_config

from embtune.config import load_config
from embtune.pipeline.job import prepare
from embtune.pipeline.texts import role_texts
from embtune.report.progress import Several
from embtune.train.tokenise import RoleText


def test_prompts_are_a_training_sets_own_and_evaluation_follows_the_first_that_has_some(tmp_path: Path) -> None:
    config = write_config(
        tmp_path,
        model={
            "name_or_path": "scratch:static?width=32",
            "prompts": {"q": "Q: ", "d": "D: "},
            "max_seq_length": {"negative": 16},
        },
        data={
            "train": [
                {"path": "train.jsonl", "name": "plain"},
                {"path": "train.jsonl", "name": "prompted", "prompts": {"query": "q", "positive": "d"}},
            ],
            "eval": [{"path": "dev.jsonl"}],
        },
    )
    loaded = load_config(config)
    model = prepare(loaded, Several()).model
    plain, prompted = (role_texts(loaded, model, each) for each in loaded.config.data.train)
    held = role_texts(loaded, model, loaded.config.data.eval[0])
    assert plain.of("anchor") == RoleText()
    assert prompted.of("anchor") == held.of("query") == RoleText("Q: ")
    assert prompted.of("positive") == held.of("document") == RoleText("D: ")
    assert prompted.of("negative_1") == RoleText("D: ", 16), "the prompt of documents, and the negatives' own length"

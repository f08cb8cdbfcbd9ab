"""Configs that could be somebody's: valid keys with values at the edge of what they may be, and whole runs of them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fuzz_case import Case
from hypothesis import strategies as st

from embtune.catalog import all_specs
from embtune.config.scalars import write_yaml

Tree = dict[str, object]

_HUGE, _TINY = 10**12, 1e-300
# dotted key -> values, most of which the schema takes
EDGES: dict[str, tuple[object, ...]] = {
    "seed": (0, 2**31, 2**64, 10**40, -1),
    "output_dir": ("out", "a/b/c", "out\n", " ", "/dev/null/x", "/proc/x", "data.jsonl", "é", "x" * 300, "."),
    "model.name_or_path": (
        "scratch:static?width=1&vocab=60", "scratch:static?vocab=1", "scratch:static?width=0",
        "scratch:static?width=999999999999",
        "scratch:transformer?layers=1&width=8&heads=2&vocab=80", "scratch:transformer?layers=0",
        "scratch:transformer?layers=1&width=7&heads=2",
        "scratch:transformer?layers=1&width=8&heads=3", "scratch:?", "nothing", "./data.jsonl", "package:json",
        "package:os/path", "a/b",
    ),
    "model.query_name_or_path": ("scratch:static?width=8&vocab=80", "nothing", None),
    "model.revision": ("main", "../x", "\0", None),
    "model.max_seq_length": (1, 2, 3, 8, 10**9, _HUGE, {"anchor": 4, "positive": 1}, {"query": 3}, {"x": 3}),
    "model.pooling": ("auto", "cls", "max", "mean", "lasttoken", "weightedmean", "mean_sqrt_len"),
    "model.normalize": (True, False, "auto"),
    "model.dense": ({"out_features": 1}, {"out_features": 4, "activation": "tanh"}, {"out_features": _HUGE}),
    "model.prompts": ({"query": "q: "}, {"": ""}, {"a": "\0"}, {"query": "x" * 5000}, {"é": "é"}),
    "model.dropout": (0, 0.5, 1, 1.0),
    "model.lora": (
        {}, {"r": 1, "alpha": _TINY}, {"r": 10**6}, {"target_modules": ["nothing"]}, {"dropout": 1.0},
        {"target_modules": []},
    ),
    "model.trust_remote_code": (True,),
    "data.on_bad_row": ("skip", "error"),
    "data.train": (
        [], [{"path": "data.jsonl"}], [{"path": "data.jsonl"}, {"path": "data.jsonl", "name": "b", "weight": 1e300}],
        [{"path": "*.jsonl"}], [{"path": "**/*"}], [{"path": "empty.jsonl"}], [{"path": "one.jsonl"}],
        [{"path": "scored.jsonl"}],
        [{"path": "data.jsonl", "columns": {"anchor": "positive", "positive": "anchor"}}], [{"path": "."}],
        [{"path": "texts.txt"}],
        [{"path": "data.jsonl", "columns": {}}], [{"path": "data.jsonl", "columns": {"anchor": "anchor"}}],
        [{"path": "data.jsonl", "prompts": {"anchor": "query"}}], [{"path": "data.jsonl", "weight": _TINY}],
        [{"path": "data.jsonl", "loss": "ContrastiveTensionLoss"}], [{"path": "labelled.jsonl"}], [{"path": "-"}],
        [{"path": "/dev/zero"}], [{"path": "org/name"}], [{"path": "a\0b"}], [{"path": "~x/data.jsonl"}],
    ),
    "data.eval": (
        [], [{"path": "data.jsonl"}], [{"path": "scored.jsonl"}], [{"path": "one.jsonl"}],
        [{"path": "labelled.jsonl", "name": "é"}],
        [{"path": "data.jsonl"}, {"path": "data.jsonl"}], [{"path": "set"}], [{"path": "texts.txt"}],
    ),
    "train.num_train_epochs": (1, 0.001, _TINY, 1e300, None),
    "train.max_steps": (1, 2, 3, None),
    "train.batch_size": (1, 2, 3, 7, 10**9, _HUGE, 2**63),
    "train.micro_batch_tokens": (1, 2, 10, 10**12, 2**63, "auto"),
    "train.gradient_cache": ("auto", "always", "never"),
    "train.batch_sampler": ("auto", "random", "no_duplicates", "group_by_label", "sequential"),
    "train.learning_rate": (1e-30, 1.0, 1e30, 1e300, 5e-324),
    "train.head_learning_rate": (1e-30, 1e300, None),
    "train.lr_scheduler_type": ("cosine", "linear", "constant"),
    "train.warmup_ratio": (0, 1, 0.5, None),
    "train.warmup_steps": (0, 1, 10**9, 2**63, None),
    "train.weight_decay": (0, 1e300, 0.1),
    "train.max_grad_norm": (_TINY, 1e300, None),
    "train.precision": ("auto", "fp32", "bf16", "fp16"),
    "train.compile": (True, False, "auto"),
    "train.on_non_finite": ("stop", "skip"),
    "eval": (
        {"steps": 1}, {"steps": 1.0}, {"steps": 1e-9}, {"steps": None, "on_start": False}, {"evaluators": ["triplet"]},
        {"evaluators": []}, {"steps": 2**63},
    ),
    "checkpoint": (
        {"steps": 1, "keep": 1}, {"steps": 1e-9}, {"keep": 2**63}, {"best_metric": "data/x"}, {"best_metric": None},
        {"resume": "never"},
    ),
    "logging": ({"steps": 1}, {"steps": 2**63}, {"report_to": ["wandb"]}, {"report_to": ["x"]}),
    "hub": ({"push": True}, {"repo_id": "a/b"}),
    "modifiers": (
        ["MatryoshkaLoss"], [{"name": "MatryoshkaLoss", "dims": [8, 4]}],
        [{"name": "MatryoshkaLoss", "dims": [4, 8, 4]}],
        [{"name": "MatryoshkaLoss", "dims": [10**9]}], [{"name": "MatryoshkaLoss", "dims": []}],
        [{"name": "AdaptiveLayerLoss"}],
        [{"name": "MatryoshkaLoss", "dims": [8], "weights": [0]}],
        [{"name": "MatryoshkaLoss", "dims": [8, 4], "weights": [1]}],
        [{"name": "Matryoshka2dLoss", "dims": [8, 4]}],
        [{"name": "MatryoshkaLoss", "dims": [4]}, {"name": "MatryoshkaLoss", "dims": [4]}],
    ),
    "plugins": ([], ["data.jsonl"], ["nothing.py"], ["os"], ["bad.py"], ["loops.py"], ["../x.py"], ["exits.py"]),
}  # fmt: skip
_PARAMETERS = (
    "scale", "temperature", "margin", "triplet_margin", "distance", "similarity", "directions", "hardness_mode",
    "guide", "teacher", "weight", "num_labels", "mini_batch_size", "gamma", "pos_neg_ratio",
)  # fmt: skip
_PARAMETER_VALUES = (0, 1, -1, 1e-300, 1e300, 20.0, "cosine", "euclidean", "nothing", None, [1, 2], True, float("nan"))


def _lines(*rows: Mapping[str, object]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


_TEXTS = ("a man eats", "a person eats", "two dogs run", "dogs are running", "it rains", "the weather is wet")
FILES = {
    "data.jsonl": _lines(*({"anchor": a, "positive": p} for a, p in zip(_TEXTS[::2], _TEXTS[1::2], strict=True))),
    "one.jsonl": _lines({"anchor": "a", "positive": "b"}),
    "empty.jsonl": b"",
    "texts.txt": "\n".join(_TEXTS).encode(),
    "scored.jsonl": _lines(*({"sentence1": a, "sentence2": "dogs", "score": i / 5} for i, a in enumerate(_TEXTS))),
    "labelled.jsonl": _lines(*({"text": text, "label": i % 2} for i, text in enumerate(_TEXTS))),
    "bad.py": b"raise ValueError('no')\n",
    "exits.py": b"import sys\nsys.exit(3)\n",
    "loops.py": b"import loops\nloops.x\n",
    "set/corpus.jsonl": _lines({"_id": "d1", "text": "a"}, {"_id": "d2", "text": "b"}),
    "set/queries.jsonl": _lines({"_id": "q1", "text": "a"}),
    "set/qrels/dev.tsv": b"query-id\tcorpus-id\tscore\nq1\td1\t1\n",
}


@st.composite
def _losses(draw: st.DrawFn) -> object:
    """A loss by its name, perhaps with a parameter that need not be one of its own, or a list of two."""
    name = draw(st.sampled_from(sorted(spec.name for spec in all_specs())))
    if draw(st.booleans()):
        return name
    loss = {"name": name, draw(st.sampled_from(_PARAMETERS)): draw(st.sampled_from(_PARAMETER_VALUES))}
    return loss if draw(st.integers(0, 3)) else [loss, "MultipleNegativesRankingLoss"]


@st.composite
def run_cases(draw: st.DrawFn) -> Case:
    """A config with some values at an edge, and a training of a few steps, tried or done."""
    tree: Tree = {
        "output_dir": "out",
        "model": {"name_or_path": "scratch:static?width=8&vocab=80"},
        "data": {"train": [{"path": "data.jsonl"}]},
        "loss": draw(_losses()) if draw(st.booleans()) else "MultipleNegativesRankingLoss",
        "train": {"max_steps": 2, "batch_size": 2},
    }
    for key in draw(st.lists(st.sampled_from(sorted(EDGES)), max_size=4, unique=True)):
        section, _, last = key.rpartition(".")
        inside = tree.setdefault(section, {}) if section else tree
        assert isinstance(inside, dict)
        inside[last] = draw(st.sampled_from(EDGES[key]))
    options = draw(st.sampled_from([("--dry-run",), (), ("--json",), ("--quiet",), ("--progress", "json")]))
    command = draw(st.sampled_from([("train", "c.yaml", *options)] * 4 + [("check-format", "c.yaml")]))
    return Case(command, {"c.yaml": write_yaml(tree).encode("utf-8", "surrogatepass"), **FILES})

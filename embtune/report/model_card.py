"""The README.md of a saved model: what it was made from, how, how well it does, and how to use it.

Everything in it is a fact of the run. What a run does not know (licence, intended use, languages) is not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import yaml

from embtune.catalog.spec import LossSpec, Paper, Parameters
from embtune.report.gains import Gain
from embtune.report.record import DataRecord

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True)
class Trained:
    """A loss or a modifier as it was used."""

    spec: LossSpec
    parameters: Parameters
    weight: float = 1.0


@dataclass(frozen=True)
class CardFacts:
    """What a card is made from.

    base_model: as the user wrote it. base_is_on_hub: it is a hub id, hence may be linked.
    arguments: the training arguments worth knowing, by their config key.
    scores: the metrics before and after. dims: widths the model may be cut to, the full one first.
    """

    name: str
    base_model: str
    base_is_on_hub: bool
    embedding_dim: int
    max_seq_length: int | None
    similarity: str
    data: Sequence[DataRecord]
    losses: Sequence[Trained]
    modifiers: Sequence[Trained]
    arguments: Mapping[str, object]
    scores: Sequence[Gain]
    versions: Mapping[str, str]
    dims: Sequence[int] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)


def model_card(facts: CardFacts) -> str:
    """The card as Markdown with YAML front matter, ending in a newline."""
    sections = [
        _front_matter(facts),
        f"# {facts.name}",
        _summary(facts),
        _section("Use", _use(facts)),
        _section("Evaluation", _scores(facts.scores)),
        _section("Training data", _data(facts.data)),
        _section("Training", _training(facts)),
        _section("Versions", _bullets(facts.versions)),
        _section("References", _references(facts)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front_matter(facts: CardFacts) -> str:
    rows = sum(each.rows for each in facts.data if each.split == "train")
    own_tags = [f"dataset_size:{rows}", *(f"loss:{each.spec.name}" for each in facts.losses)]
    content: dict[str, object] = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "sentence-similarity", "feature-extraction", "embtune", *own_tags],
    }
    if facts.base_is_on_hub and _HUB_ID.fullmatch(facts.base_model):
        content["base_model"] = facts.base_model
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True)}---"


def _summary(facts: CardFacts) -> str:
    limit = f"at most {facts.max_seq_length} tokens" if facts.max_seq_length else "texts of any length"
    lines = [
        f"A text-embedding model fine-tuned from {_base(facts)} with embtune. It maps {limit} to "
        f"{facts.embedding_dim} dimensions, to be compared by {facts.similarity} similarity."
    ]
    narrower = [str(dim) for dim in facts.dims if dim < facts.embedding_dim]
    if narrower:
        lines.append(f"Its embeddings may be cut to {', '.join(narrower)} dimensions; normalise them again afterwards.")
    return "\n".join(lines)


def _base(facts: CardFacts) -> str:
    if facts.base_is_on_hub and _HUB_ID.fullmatch(facts.base_model):
        return f"[{facts.base_model}](https://huggingface.co/{facts.base_model})"
    # where the files lay on the machine that trained is nobody's business
    return f"`{PurePath(facts.base_model).name if PurePath(facts.base_model).is_absolute() else facts.base_model}`"


def _use(facts: CardFacts) -> str:
    prompts = [f"* `{name}`: {text!r}" for name, text in facts.prompts.items() if text]
    told = ["", "Prompts, put before the text by `encode(..., prompt_name=...)`:", "", *prompts] if prompts else []
    return "\n".join(
        [
            "```python",
            "from sentence_transformers import SentenceTransformer",
            "",
            f'model = SentenceTransformer("{facts.name}")  # or the path of this folder',
            'embeddings = model.encode(["first text", "second text"])',
            "print(model.similarity(embeddings, embeddings))",
            "```",
            "",
            "```bash",
            "embtune encode PATH_OF_THIS_FOLDER < texts.txt > vectors.jsonl",
            "```",
            *told,
        ]
    )


def _scores(scores: Sequence[Gain]) -> str:
    rows = [(each.metric, f"{each.before:.4f}", f"{each.after:.4f}", f"{each.gain:+.4f}") for each in scores]
    return _table(("metric", "before", "after", "gain"), rows)


def _data(data: Sequence[DataRecord]) -> str:
    rows = [(each.name, each.split, f"{each.rows:,}", ", ".join(each.roles), each.label) for each in data]
    return _table(("dataset", "used for", "rows", "texts", "label"), rows)


def _training(facts: CardFacts) -> str:
    used = [f"* {_described(each)}" for each in (*facts.losses, *facts.modifiers)]
    arguments = ["", "Arguments:", "", _bullets(facts.arguments)] if facts.arguments else []
    return "\n".join([*used, *arguments])


def _described(used: Trained) -> str:
    values = ", ".join(f"{name}={_plain(value)}" for name, value in used.parameters.model_dump(mode="json").items())
    weight = "" if used.weight == 1.0 else f", weight {used.weight:g}"
    return f"`{used.spec.name}`" + (f" with `{values}`" if values else "") + weight


def _references(facts: CardFacts) -> str:
    papers: dict[Paper, None] = {}  # a set that keeps the order
    for used in (*facts.losses, *facts.modifiers):
        papers.update(dict.fromkeys(used.spec.papers))
    return "\n".join(f"* {paper.authors} ({paper.year}). [{paper.title}]({paper.link})." for paper in papers)


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _bullets(values: Mapping[str, object]) -> str:
    return "\n".join(f"* {name}: {_plain(value)}" for name, value in values.items())


def _plain(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [header, ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")

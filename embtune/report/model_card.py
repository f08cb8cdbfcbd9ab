"""The README.md of a saved model: what it was made from, how, how well it does, and how to use it.

Everything in it is a fact of the run. What a run does not know (licence, intended use, languages) is left to the user.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import yaml

from embtune.catalog.parameter_docs import as_yaml
from embtune.catalog.spec import LossSpec, Parameters
from embtune.config.scalars import write_yaml
from embtune.report.card_tables import DataCard, ScoreCard, data_section, scores_section, train_rows
from embtune.report.citations import bibtex
from embtune.report.markdown import code, code_block, escaped, table

_LICENSE = "# license: yours to choose, such as apache-2.0; licences of the base model and the data may bind you\n"
_ENCODE_ALIKE = (
    'embeddings = model.encode(["first text", "second text"])',
    "print(model.similarity(embeddings, embeddings))",
)
_ENCODE_APART = (
    'queries = model.encode_query(["a question"])',
    'documents = model.encode_document(["first text", "second text"])',
    "print(model.similarity(queries, documents))",
)


@dataclass(frozen=True)
class Trained:
    """A loss or a modifier as it was used. data: the sets it was used on, where not on all; () is all."""

    spec: LossSpec
    parameters: Parameters
    weight: float = 1.0
    data: tuple[str, ...] = ()


@dataclass(frozen=True)
class CardFacts:
    """What a card is made from.

    base_model: a name that others can read, without the folders of the machine that trained.
    base_is_on_hub: it was loaded from the hub, hence may be linked.
    arguments: the training arguments worth knowing, by their config key.
    dims: widths the model may be cut to, the full one first.
    classes: those of heads that are kept beside the model, each head's.
    query_model: a name that others can read of what the model for queries started from, where there is one.
    caution: a sentence that stands before everything else, such as that training improved nothing.
    """

    name: str
    base_model: str
    base_is_on_hub: bool
    embedding_dim: int
    max_seq_length: int | None
    similarity: str
    data: Sequence[DataCard]
    losses: Sequence[Trained]
    modifiers: Sequence[Trained]
    arguments: Mapping[str, object]
    scores: Sequence[ScoreCard]
    versions: Mapping[str, str]
    dims: Sequence[int] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    classes: Sequence[tuple[str, ...]] = ()
    query_model: str | None = None
    caution: str = ""


def model_card(facts: CardFacts) -> str:
    """The card as Markdown with YAML front matter, ending in a newline."""
    sections = [
        _front_matter(facts),
        f"# {escaped(facts.name)}",
        f"**{escaped(facts.caution)}**" if facts.caution else "",
        _summary(facts),
        _section("Use", _use(facts)),
        _section("Evaluation", scores_section(facts.scores)),
        _section("Training data", data_section(facts.data)),
        _section("Training", _training(facts)),
        _section("Versions", _facts_table("package", "version", facts.versions)),
        _section("Citation", _citations(facts)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front_matter(facts: CardFacts) -> str:
    used = dict.fromkeys(each.spec.name for each in (*facts.losses, *facts.modifiers))
    own_tags = [f"dataset_size:{train_rows(facts.data)}", *(f"loss:{name}" for name in used)]
    content: dict[str, object] = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "sentence-similarity", "feature-extraction", "embtune", *own_tags],
    }
    if facts.base_is_on_hub:
        content["base_model"] = facts.base_model
    return f"---\n{_LICENSE}{yaml.safe_dump(content, sort_keys=False, allow_unicode=True)}---"


def _summary(facts: CardFacts) -> str:
    base = code(facts.base_model)
    if facts.base_is_on_hub:
        base = f"[{escaped(facts.base_model)}](https://huggingface.co/{facts.base_model})"
    limit = f"at most {facts.max_seq_length} tokens" if facts.max_seq_length else "any length"
    lines = [
        f"A text-embedding model fine-tuned from {base} with embtune. It maps texts of {limit} to "
        f"{facts.embedding_dim} dimensions, to be compared by {facts.similarity} similarity."
    ]
    if facts.query_model is not None:
        lines.append(f"Queries have a model of their own, fine-tuned from {code(facts.query_model)}.")
    narrower = _narrower(facts)
    if narrower:
        lines.append(f"Its embeddings may be cut to {', '.join(map(str, narrower))} dimensions.")
    return "\n".join(lines)


def _narrower(facts: CardFacts) -> list[int]:
    return [dim for dim in facts.dims if dim < facts.embedding_dim]


def _use(facts: CardFacts) -> str:
    """How to load it: with Sentence Transformers, at another width, and with embtune."""
    python = [
        "from sentence_transformers import SentenceTransformer",
        "",
        'model = SentenceTransformer("PATH_OF_THIS_FOLDER")  # or its id on the hub',
        *(_ENCODE_ALIKE if facts.query_model is None else _ENCODE_APART),
    ]
    narrower = _narrower(facts)
    if narrower:
        python += ["", f'shorter = SentenceTransformer("PATH_OF_THIS_FOLDER", truncate_dim={narrower[-1]})']
    parts = [code_block("python", "\n".join(python))]
    parts.append(code_block("bash", "embtune encode PATH_OF_THIS_FOLDER < texts.txt > vectors.jsonl"))
    if facts.query_model is not None:
        parts.append(
            "Sentence Transformers 5.0 or later is needed. `embtune encode` takes queries with `--prompt query`."
        )
    prompts = {name: text for name, text in facts.prompts.items() if text}
    if prompts:
        rows = [(code(name), code(text)) for name, text in prompts.items()]
        told = "Prompts, put before a text by `encode(..., prompt_name=...)`:"
        parts.append(f"{told}\n\n{table(('prompt_name', 'text'), rows)}")
    for classes in facts.classes:
        names = ", ".join(map(code, classes))
        parts.append(
            f"The folder `embtune` holds a classifier of pairs into {names}, trained beside the model. "
            "`embtune evaluate` uses it; Sentence Transformers leaves it alone."
        )
    return "\n\n".join(parts)


def _training(facts: CardFacts) -> str:
    """What was trained, and the entries that a config has for it: one block for the losses of each group of sets."""
    parts: list[str] = []
    for data in dict.fromkeys(loss.data for loss in facts.losses):
        parts += _trained([loss for loss in facts.losses if loss.data == data], "loss")
    parts += _trained(facts.modifiers, "modifiers")
    return "\n\n".join([*parts, _facts_table("argument", "value", facts.arguments)]).strip()


def _trained(used: Sequence[Trained], key: str) -> Iterator[str]:
    """Each with its formula, then the entry of all under their key; a single loss is no list."""
    for each in used:
        where = f", on {', '.join(map(escaped, each.data))}" if each.data else ""
        yield f"**{each.spec.name}**{where}: {escaped(each.spec.purpose)}"
        yield code_block("text", each.spec.formula)
    entries = [_entry(each) for each in used]
    if entries:
        listed = key == "modifiers" or len(entries) > 1
        yield code_block("yaml", write_yaml({key: entries if listed else entries[0]}))


def _entry(used: Trained) -> dict[str, object]:
    weight = {} if used.weight == 1.0 else {"weight": used.weight}
    values = used.parameters.model_dump(mode="json")
    return {"name": used.spec.name, **weight, **{key: _public(value) for key, value in values.items()}}


def _public(value: object) -> object:
    """Where a guide or a teacher lay on the machine that trained is nobody's business."""
    return PurePath(value).name if isinstance(value, str) and PurePath(value).is_absolute() else value


def _citations(facts: CardFacts) -> str:
    papers = [paper for used in (*facts.losses, *facts.modifiers) for paper in used.spec.papers]
    return code_block("bibtex", bibtex(papers)) if papers else ""


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _facts_table(name: str, value: str, values: Mapping[str, object]) -> str:
    return table((name, value), [(code(key), escaped(as_yaml(each))) for key, each in values.items()])

"""The page of a loss: everything a person asks before using it, made from its entry."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from embtune.catalog.formats import ANY
from embtune.catalog.parameter_docs import ParameterDoc, as_yaml, parameter_docs
from embtune.catalog.registry import find_spec
from embtune.catalog.roles import LABEL_ROLE
from embtune.catalog.spec import LabelKind, LossSpec, Need, Paper
from embtune.catalog.words import COUPLING_WORDS, NEED_WORDS, OF_THE_INNER_LOSS, format_line

_INDENT = "  "
_LINE = 80  # what a terminal shows at least
_EXAMPLE_ROLES = {"negative_1..n": ("negative_1", "negative_2"), "text_1..n": ("text_1", "text_2")}
_INNER_EXAMPLE = "MultipleNegativesRankingLoss"


def page(spec: LossSpec, width: int = 80, plugin: str | None = None) -> str:
    """The page as plain text, lines at most `width` wide where words allow, without a final newline.

    Args:
        plugin: what a config names under `plugins:` to have the loss; None where it need not.
    """
    title = f"{spec.name} ({spec.alias}){', recommended' if spec.recommended else ''}"
    sections = [
        ("Formula", _verbatim(spec.formula.splitlines())),
        ("Takes", _prose(_takes(spec), width)),
        ("Parameters", _parameters(spec, width)),
        ("Needs", _prose(_needs(spec), width)),
        ("Coupling", _prose([COUPLING_WORDS[spec.coupling] if spec.coupling else OF_THE_INNER_LOSS], width)),
        ("Reduction", _prose([spec.reduction], width)),
        ("Degenerate cases", _prose(spec.degenerate, width)),
        ("Presets", _prose(_presets(spec), width)),
        ("Papers", _prose([_paper(paper) for paper in spec.papers], width)),
        ("Minimal config", _verbatim(minimal_config(spec, plugin).splitlines())),
    ]
    parts = [title, *_prose([spec.purpose], width)]
    for heading, lines in sections:
        if lines:
            parts += ["", heading, *lines]
    return "\n".join(parts)


def minimal_config(spec: LossSpec, plugin: str | None = None) -> str:
    """The shortest whole config that trains with this loss or modifier, as YAML.

    A loss that takes any texts says nothing of what they mean, so it is added to one that does.
    """
    added = spec.formats == (ANY,)
    loss = find_spec(_INNER_EXAMPLE) if spec.is_modifier or added else spec
    lines = [
        "version: 1",
        f"output_dir: runs/{spec.alias}",
        "model: {name_or_path: sentence-transformers/all-MiniLM-L6-v2}",
        "data:",
        "  train:",
        "    - path: data/train.jsonl",
        *_columns_lines(_example_columns(loss)),
        *([f"plugins: [{plugin}]"] if plugin else []),
        *(["loss:", f"  - {as_yaml(_named(loss))}", f"  - {as_yaml(_named(spec))}"] if added else []),
        *([] if added else [f"loss: {as_yaml(_named(loss))}"]),
    ]
    if spec.is_modifier:
        lines.append(f"modifiers: [{as_yaml(_named(spec))}]")
    return "\n".join(lines)


def _columns_lines(columns: Mapping[str, str]) -> list[str]:
    """On one line where it is short enough, else a line a role."""
    line = f"      columns: {as_yaml(columns)}"
    if len(line) + len(_INDENT) <= _LINE:
        return [line]
    return ["      columns:", *(f"        {role}: {column}" for role, column in columns.items())]


def _named(spec: LossSpec) -> dict[str, object]:
    required = {document.name: document.example for document in parameter_docs(spec) if document.required}
    return {"name": spec.name, **required}


def _example_columns(spec: LossSpec) -> dict[str, str]:
    """Each role read from a column of its own name."""
    format = spec.formats[0]
    roles = [role for name in format.roles for role in _EXAMPLE_ROLES.get(name, (name,))]
    labels = [] if format.label is LabelKind.NONE else [LABEL_ROLE]
    return {role: role for role in (*roles, *labels)}


def _takes(spec: LossSpec) -> list[str]:
    if not spec.formats:
        return ["whatever the loss inside takes"]
    taught = [f"with a teacher: {format_line(format)}" for format in spec.taught_formats]
    return [*map(format_line, spec.formats), *taught]


def _parameters(spec: LossSpec, width: int) -> list[str]:
    documents = parameter_docs(spec)
    return [line for document in documents for line in _parameter(document, width)] or _prose(["none"], width)


def _parameter(document: ParameterDoc, width: int) -> list[str]:
    head = _prose([f"{document.name}: {document.facts()}"], width)
    return head + _prose([document.description], width, depth=2)


def _needs(spec: LossSpec) -> list[str]:
    lines = [NEED_WORDS[need] for need in Need if need in spec.needs]
    if spec.minimum_batch > 1:
        lines.append(f"at least {spec.minimum_batch} rows in a batch")
    return lines


def _presets(spec: LossSpec) -> list[str]:
    if spec.resolves_to is None:
        return []
    fixed = [f"{name}: {as_yaml(value)}" for name, value in {**spec.presets, **spec.settings}.items()]
    return [f"the same as {spec.resolves_to} with", *fixed]


def _paper(paper: Paper) -> str:
    return f"{paper.authors} ({paper.year}). {paper.title}. {paper.link}"


def _verbatim(lines: Iterable[str]) -> list[str]:
    return [_INDENT + line for line in lines]


def _prose(lines: Iterable[str], width: int, depth: int = 1) -> list[str]:
    """Each line wrapped at `depth` indents, its continuations one deeper at depth 1; links are never cut."""
    first = _INDENT * depth
    rest = _INDENT * 2
    return [
        part
        for line in lines
        for part in textwrap.wrap(
            line,
            max(20, width),
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]

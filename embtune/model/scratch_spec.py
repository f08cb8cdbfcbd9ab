"""`scratch:` names: a small untrained model, described in one line.

scratch:                                         a small transformer
scratch:transformer?layers=2&width=128&vocab=8000
scratch:static?width=256&vocab=16000
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from embtune.catalog.nearest import nearest
from embtune.errors import ModelError, Problem

SCRATCH = "scratch:"


class ScratchKind(StrEnum):
    """The two kinds of model there are."""

    TRANSFORMER = "transformer"
    STATIC = "static"


class ScratchTokenizer(StrEnum):
    """How the tokenizer cuts words: lower-cased WordPiece as in BERT, or byte-level BPE, which keeps case."""

    WORDPIECE = "wordpiece"
    BPE = "bpe"


@dataclass(frozen=True)
class Range:
    """An option that is a whole number: its default and its limits."""

    default: int
    smallest: int
    largest: int


OPTIONS: Mapping[ScratchKind, Mapping[str, Range]] = {
    ScratchKind.TRANSFORMER: {
        "layers": Range(2, 1, 48),
        "width": Range(128, 8, 4096),
        "heads": Range(0, 1, 128),  # 0: one for every 32 of the width
        "vocab": Range(8000, 64, 500_000),
        "length": Range(256, 8, 8192),
    },
    ScratchKind.STATIC: {"width": Range(256, 8, 4096), "vocab": Range(16_000, 64, 500_000)},
}


@dataclass(frozen=True)
class ScratchSpec:
    """A `scratch:` name, read. `layers`, `heads` and `length` are 0 for a static model."""

    kind: ScratchKind
    tokenizer: ScratchTokenizer
    width: int
    vocab: int
    layers: int = 0
    heads: int = 0
    length: int = 0


def parse_scratch(name: str) -> ScratchSpec:
    """Read a `scratch:` name.

    Raises:
        ModelError: with every unknown kind, option and value in it, each with its remedy.
    """
    kind_word, _, options = name.removeprefix(SCRATCH).partition("?")
    kind = _kind(kind_word or ScratchKind.TRANSFORMER)
    known = OPTIONS[kind]
    problems: list[Problem] = []
    values = {option: limits.default for option, limits in known.items()}
    tokenizer = ScratchTokenizer.WORDPIECE
    for part in filter(None, options.split("&")):
        option, _, text = part.partition("=")
        if option == "tokenizer" and text in set(ScratchTokenizer):
            tokenizer = ScratchTokenizer(text)
        elif option in known and _fits(text, known[option]):
            values[option] = int(text)
        else:
            problems.append(_problem(option, text, kind))
    if problems:
        raise ModelError(problems)
    return _with_heads(ScratchSpec(kind, tokenizer, **values))


def _kind(word: str) -> ScratchKind:
    if word in set(ScratchKind):
        return ScratchKind(word)
    near = nearest(word, ScratchKind)
    hint = f"Did you mean {SCRATCH}{near}?" if near else f"Kinds are {', '.join(ScratchKind)}."
    raise ModelError.of("bad-scratch", f"{SCRATCH} has no kind {word!r}", hint)


def _fits(text: str, limits: Range) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and limits.smallest <= int(text) <= limits.largest


def _problem(option: str, text: str, kind: ScratchKind) -> Problem:
    known = OPTIONS[kind]
    if option in known:
        limits = known[option]
        message = f"{SCRATCH}{kind}: {option}={text} is not a whole number from {limits.smallest} to {limits.largest}"
        return Problem("bad-scratch", message)
    if option == "tokenizer":
        return Problem("bad-scratch", f"{SCRATCH}{kind}: tokenizer={text} is not one of {', '.join(ScratchTokenizer)}")
    near = nearest(option, [*known, "tokenizer"])
    hint = f"Did you mean {near}?" if near else f"Options are {', '.join([*known, 'tokenizer'])}."
    return Problem("bad-scratch", f"{SCRATCH}{kind} has no option {option!r}", hint=hint)


def _with_heads(spec: ScratchSpec) -> ScratchSpec:
    """Fill in the number of heads, which has to divide the width."""
    if spec.kind is ScratchKind.STATIC:
        return spec
    heads = spec.heads or next(heads for heads in range(max(1, spec.width // 32), 0, -1) if spec.width % heads == 0)
    if spec.width % heads:
        raise ModelError.of("bad-scratch", f"{SCRATCH}{spec.kind}: width={spec.width} is no multiple of heads={heads}")
    return ScratchSpec(spec.kind, spec.tokenizer, spec.width, spec.vocab, spec.layers, heads, spec.length)

"""The list of losses, filtered, and its rows for a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embtune.catalog.formats import ANY_ROLES, describe, roles_fit
from embtune.catalog.nearest import nearest
from embtune.catalog.plugins import is_plugin, load_plugin
from embtune.catalog.registry import Catalogue, all_specs
from embtune.catalog.roles import LABEL_ROLE, NEGATIVE_LIST, TEXT_LIST, canonical_role, role_words
from embtune.catalog.spec import Format, LabelKind, LossSpec
from embtune.catalog.words import coupling, inputs, needs
from embtune.errors import Problem, UsageError


@dataclass(frozen=True)
class ListRow:
    """One loss with one of its formats; what a table prints in columns."""

    name: str
    recommended: bool
    inputs: str
    label: str
    coupling: str
    needs: tuple[str, ...]


def asked_specs(word: str, folder: Path, catalogue: Catalogue) -> tuple[LossSpec, ...]:
    """The entry of this name or alias, or those of the Python file (found from `folder` on) or module of this name.

    Raises:
        ConfigError: there is none, or the file or module cannot be used.
    """
    return load_plugin(word, folder).specs if is_plugin(word) else (catalogue.find(word),)


def specs_taking(
    roles: Sequence[str] | None = None, label: LabelKind | None = None, specs: Sequence[LossSpec] | None = None
) -> tuple[LossSpec, ...]:
    """Those of `specs` with a format of exactly these canonical roles and this label; None asks for nothing.

    Modifiers take whatever the loss inside takes, so they are listed only where nothing is asked.
    """
    specs = all_specs() if specs is None else specs
    if roles is None and label is None:
        return tuple(specs)
    return tuple(spec for spec in specs if any(_asked(format, roles, label) for format in spec.formats))


def rows_of(spec: LossSpec, roles: Sequence[str] | None = None, label: LabelKind | None = None) -> list[ListRow]:
    """A row for each of the loss's formats that was asked for."""
    asked = [(inputs(format), format.label.value) for format in spec.formats if _asked(format, roles, label)]
    return [
        ListRow(spec.name, spec.recommended, texts, label_word, coupling(spec), needs(spec))
        for texts, label_word in asked or [(ANY_ROLES, ANY_ROLES)]
    ]


def asked_roles(text: str | None) -> tuple[str, ...] | None:
    """`anchor,positive` as canonical roles, None for None; `negative_1..n` may be asked for as formats spell it.

    Raises:
        UsageError: a word is no role.
    """
    if text is None:
        return None
    words = [word.strip() for word in text.split(",") if word.strip()]
    roles = [word if word in (NEGATIVE_LIST, TEXT_LIST) else canonical_role(word) for word in words]
    known = tuple(role for role in roles if role not in (None, LABEL_ROLE))
    if len(known) < len(words) or not words:
        raise UsageError(
            [_no_role(word) for word, role in zip(words, roles, strict=True) if role not in known] or _no_role(text)
        )
    return known


def asked_label(text: str | None) -> LabelKind | None:
    """A kind of label by its word, None for None.

    Raises:
        UsageError: there is no such kind.
    """
    kinds = {kind.value: kind for kind in LabelKind}
    if text is None or text in kinds:
        return None if text is None else kinds[text]
    guess = nearest(text, kinds)
    hint = f"did you mean {guess}?" if guess else f"kinds are {', '.join(kinds)}"
    raise UsageError(Problem("unknown-label", f"{text!r} is no kind of label", hint=hint))


def _asked(format: Format, roles: Sequence[str] | None, label: LabelKind | None) -> bool:
    return (roles is None or roles_fit(format.roles, roles)) and (label is None or format.label is label)


def _no_role(word: str) -> Problem:
    guess = nearest(word, role_words())
    hint = f"did you mean {guess}?" if guess else f"roles are {', '.join(role_words())}; '--labels' asks for a label"
    return Problem("unknown-role", f"{word!r} is no role of a text", hint=hint)


def asked_words(roles: Sequence[str] | None, label: LabelKind | None) -> str:
    """What was asked for, in the words of a format."""
    return describe(Format(tuple(roles or (ANY_ROLES,)), label or LabelKind.NONE))

"""An entry as JSON values: what `list-losses --json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from embtune.catalog.parameter_docs import parameter_docs
from embtune.catalog.spec import Format, LossSpec
from embtune.catalog.words import needs


def as_record(spec: LossSpec) -> dict[str, object]:
    """Everything the catalogue says of a loss; keys are the names of `LossSpec`, enumerations their words.

    `formats` is empty for a modifier, which takes what the loss inside takes.
    """
    return {
        "name": spec.name,
        "alias": spec.alias,
        "purpose": spec.purpose,
        "formula": spec.formula,
        "formats": _formats(spec.formats),
        "taught_formats": _formats(spec.taught_formats),
        "recommended": spec.recommended,
        "is_modifier": spec.is_modifier,
        "coupling": None if spec.coupling is None else spec.coupling.value,
        "needs": list(needs(spec)),
        "minimum_batch": spec.minimum_batch,
        "reduction": spec.reduction,
        "degenerate": list(spec.degenerate),
        "resolves_to": spec.resolves_to,
        "presets": dict(spec.presets),
        "settings": dict(spec.settings),
        "parameters": [asdict(document) for document in parameter_docs(spec)],
        "papers": [asdict(paper) for paper in spec.papers],
    }


def _formats(formats: Sequence[Format]) -> list[dict[str, object]]:
    return [{"roles": list(format.roles), "label": format.label.value} for format in formats]

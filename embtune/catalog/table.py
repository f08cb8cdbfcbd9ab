"""The README's table of losses, made from the catalogue.

`python -m embtune.catalog.table --write README.md` puts it between the marks, `--check` says whether it is there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from embtune.catalog.registry import built_in
from embtune.catalog.spec import Format, LabelKind, LossSpec
from embtune.catalog.words import coupling, inputs

BEGIN = "<!-- losses:begin -->"
END = "<!-- losses:end -->"
_HEADINGS = ("loss", "texts of a row", "label", "coupling", "what it does")
_USAGE = "usage: python -m embtune.catalog.table (--check | --write) FILE\n"


def losses_table_markdown() -> str:
    """One line for each built-in loss and modifier, recommended ones in bold, without a final newline."""
    lines = [_HEADINGS, tuple("---" for _ in _HEADINGS), *map(_line, built_in().specs)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_table(text: str) -> str:
    """`text` with what stands between the two marks replaced by the table.

    Raises:
        ValueError: the marks are not there, once each and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the marks {BEGIN} and {END} are not there")
    return f"{before}{begin}\n{losses_table_markdown()}\n{end}{after}"


def main(arguments: Sequence[str]) -> int:
    """Check or write the table of a file. 0 when it is right now, 1 when it is not, 2 for wrong arguments."""
    if len(arguments) != 2 or arguments[0] not in ("--check", "--write"):
        sys.stderr.write(_USAGE)
        return 2
    mode, path = arguments[0], Path(arguments[1])
    text = path.read_text(encoding="utf-8")
    right = with_table(text)
    if mode == "--write":
        path.write_text(right, encoding="utf-8")
    elif text != right:
        sys.stderr.write(f"{path}: the table of losses is old; run python -m embtune.catalog.table --write {path}\n")
        return 1
    return 0


def _line(spec: LossSpec) -> tuple[str, ...]:
    name = f"**{spec.name}**" if spec.recommended else spec.name
    texts = " <br> ".join(dict.fromkeys(map(inputs, spec.formats))) or "any"
    return (name, texts, _labels(spec.formats), coupling(spec), spec.purpose)


def _labels(formats: Sequence[Format]) -> str:
    words = dict.fromkeys(format.label for format in formats)
    return " or ".join("-" if kind is LabelKind.NONE else kind.value for kind in words) or "any"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

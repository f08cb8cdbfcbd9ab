"""YAML 1.2 core scalars: `2e-5` and `1e6` are numbers; `yes`, `no`, `on`, `off` and dates are words.

PyYAML follows YAML 1.1, where it is the other way round.
"""

from __future__ import annotations

import re

import yaml

from embtune.config.tree import Scalar

_TAG = "tag:yaml.org,2002:"
NULL, BOOL, INT, FLOAT, STR = (_TAG + word for word in ("null", "bool", "int", "float", "str"))
MAP, SEQ = _TAG + "map", _TAG + "seq"
SCALAR_TAGS = frozenset({NULL, BOOL, INT, FLOAT, STR})
_CORE = (
    (NULL, re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    (BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    (INT, re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")),
    (
        FLOAT,
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+.0123456789"),
    ),
)
_ODD_BREAKS = frozenset("\x85\u2028\u2029\ufeff")
MAX_NODES = 50_000  # of a config, keys and values alike
MAX_DIGITS = 400  # of a number; Python refuses to read integers far longer than any setting


class TooManyNodes(yaml.MarkedYAMLError):
    """The text holds more values than any config."""


class CoreLoader(yaml.SafeLoader):
    """Composes nodes with the tags of YAML 1.2's core schema. Constructs nothing."""

    yaml_implicit_resolvers = {}  # noqa: RUF012, as the base class declares it; else YAML 1.1's come along
    composed = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node and those below it.

        Raises:
            TooManyNodes: at the first value beyond `MAX_NODES`.
        """
        self.composed += 1
        if self.composed > MAX_NODES:
            raise TooManyNodes(problem_mark=self.get_mark())
        return super().compose_node(parent, index)


class CoreDumper(yaml.SafeDumper):
    """Quotes every word that YAML 1.1 or YAML 1.2 would read as something else."""

    def ignore_aliases(self, data: object) -> bool:
        """Write equal values out: a resolved config has no anchors."""
        return True


for _tag, _pattern, _first in _CORE:
    CoreLoader.add_implicit_resolver(_tag, _pattern, _first)
    CoreDumper.add_implicit_resolver(_tag, _pattern, _first)
# repr is the shortest text that reads back as the same float; PyYAML's own would write 2.0e-05
CoreDumper.add_representer(float, lambda dumper, value: dumper.represent_scalar(FLOAT, _float_text(value)))
# line breaks of Unicode are folded away unless they are escaped, which only double quotes can
CoreDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar(STR, text, style='"' if _ODD_BREAKS & set(text) else None)
)


def _float_text(value: float) -> str:
    text = re.sub(r"e([-+])0+(?=\d)", r"e\1", repr(value))
    return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)


def read_scalar(tag: str, text: str) -> Scalar:
    """The value of a scalar whose tag is one of the core schema's.

    Raises:
        ValueError: the text is not of that type (only after an explicit tag such as `!!int x`), or too long.
    """
    if tag == STR:
        return text
    pattern = next(pattern for core, pattern, _ in _CORE if core == tag)
    if not pattern.match(text) or len(text) > MAX_DIGITS:
        raise ValueError(text)
    if tag == NULL:
        return None
    if tag == BOOL:
        return text.lower() == "true"
    if tag == INT:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def read_word(text: str) -> Scalar:
    """What an unquoted word is under the core schema."""
    tag = next((core for core, pattern, _ in _CORE if pattern.match(text)), STR)
    return read_scalar(tag, text)


def write_yaml(value: object, *, flow: bool = False) -> str:
    """A plain value as YAML that reads back equal; `flow` puts it on one line."""
    text: str = yaml.dump(
        value, Dumper=CoreDumper, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=100_000
    )
    return text.removesuffix("\n").removesuffix("\n...") if flow else text

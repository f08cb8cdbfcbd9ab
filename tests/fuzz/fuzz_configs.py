"""Configs of every shape: right but for one thing, wrong all over, and no YAML at all."""

from __future__ import annotations

from pathlib import Path

from fuzz_case import Case
from fuzz_runs import run_cases
from hypothesis import strategies as st

from embtune.catalog import all_specs
from embtune.config.keys import sections
from embtune.config.renames import RENAMES
from embtune.config.scalars import write_yaml

DATA = b'{"anchor": "a man", "positive": "a person"}\n{"anchor": "two dogs", "positive": "dogs"}\n'
BASE = b"model: {name_or_path: 'scratch:static?width=8&vocab=80'}\ntrain: {max_steps: 2}\n"
Tree = dict[str, object]

_KEYS = sorted(
    {key for keys in sections().values() for key in keys}
    | {part for row in RENAMES for part in row.old if isinstance(part, str)}
    | {"extends", "<<", "name", "token", "version", "__class__", "model.lora"}
)
KEYS = st.sampled_from(_KEYS) | st.text(max_size=6)
ODD_TEXTS = st.sampled_from([
    "", " ", "~", "yes", "auto", "null", "1e6", "1e400", ".inf", ".nan", "-0", "0x1F", "0o17", "1_000", "12:30:45",
    "2001-01-01",
    "cosent", "MatryoshkaLoss", "MatryoshkaLos", "data.jsonl", "../data.jsonl", "/etc/passwd", "/dev/zero",
    "/dev/null", "a/b:c",
    "*.jsonl", "**/*", "[", "~nobody/x.jsonl", "package:os", "package:../x", "scratch:", "scratch:static?width=0",
    "scratch:transformer?layers=99999999999", "http://x/y.jsonl", "hf://x", "-", "${env:SECRET}", "${env:NONE}",
    "${env:",
    "${env:NONE:-${env:SECRET}}", "$${env:X}", "!!python/object/apply:os.system ['true']", "\0", "\ud800", "\u2028",
    "\x85",
    "\ufeff", "é" * 40, "a" * 5000, "9" * 500, "%s%n{0}{}", "$(id)", "{{7*7}}", "\x1b[2J", "\\", "'", '"', "- - -",
    "# x",
])  # fmt: skip
ODD_NUMBERS = st.sampled_from([
    0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 10**300, 0.0, -0.0, 1e-320, 1e308, float("inf"), float("-inf"),
    float("nan"), 0.1, 0.5, 1.0, 1.5, 384, 7,
])  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), ODD_TEXTS, ODD_NUMBERS)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
)
LOSSES = st.sampled_from(sorted({spec.name for spec in all_specs()} | {spec.alias for spec in all_specs()}))


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A config that would do, with some of its values, at any depth, replaced, added or taken away."""
    tree: Tree = {
        "output_dir": "out",
        "model": {"name_or_path": "scratch:static?width=8&vocab=80"},
        "data": {"train": [{"path": "data.jsonl", "columns": {"anchor": "anchor", "positive": "positive"}}]},
        "loss": {"name": draw(LOSSES)} if not draw(st.integers(0, 3)) else "MultipleNegativesRankingLoss",
        "train": {"max_steps": 2, "batch_size": 2},
    }
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))):
        _change(draw, tree)
    return tree


def _change(draw: st.DrawFn, tree: Tree) -> None:
    """Put something else into one of the sections that the schema has, or take one of its keys away."""
    path = draw(st.sampled_from(sorted(sections())))
    section = _section(tree, path.replace("[]", ".0").split(".") if path else [])
    if section is None:
        return
    key = draw(st.sampled_from(sections()[path]) | KEYS)
    if draw(st.integers(0, 4)):
        section[key] = draw(VALUES)
    else:
        section.pop(key, None)


def _section(tree: Tree, path: list[str]) -> Tree | None:
    """The section at a path, made where there is none; None where something else stands on the way."""
    here: object = tree
    for key in path:
        if isinstance(here, list) and key == "0" and here:
            here = here[0]
        elif isinstance(here, dict):
            here = here.setdefault(key, {})
        else:
            return None
    return here if isinstance(here, dict) else None


MARKS = st.sampled_from([
    "a", "seed", ": ", ":", "- ", "-", "\n", "\r\n", "\r", "  ", "\t", "{", "}", "[", "]", ",", "&a ", "*a",
    "&a [*a]", "!!int ", "!!binary ",
    "!!python/name:os.system ", "!!set ", "! ", "!<x> ", "'", '"', "|", ">", "|2-", "#", "%YAML 1.1\n", "%TAG ! x\n",
    "@", "`", "? ", "---", "\n---\n",
    "...", "\\", '"\\ud800"', '"\\x00"', "\x85", "\u2028", "\u2029", "\ufeff", "\0", "\x07", "\x7f", "é", "𝄞",
    "<<: *a", "<<: {a: 1}", "=", "~", "${env:SECRET}", "extends: base.yaml",
    "extends: c.yaml", "extends: .", "[" * 50, "{a: " * 50, "- " * 50, "&b ", "*b", "seed: 1\nseed: 2",
])  # fmt: skip
NOISE = st.lists(MARKS | st.text(max_size=5), max_size=12).map("".join)


@st.composite
def _damaged(draw: st.DrawFn) -> str:
    """The text of a tree with noise put between, or parts of it twice, or gone."""
    text = write_yaml(draw(trees()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        until = draw(st.integers(at, min(len(text), at + 40)))
        text = (
            text[:at]
            + draw(st.sampled_from(["", text[at:until] * 2, text[at:until] + "\n" + text[at:until]]) | NOISE)
            + text[until:]
        )
    return text


def _laughs(levels: int, width: int) -> str:
    """Aliases of aliases: a page that stands for width ** levels values."""
    lines = [f"a0: &a0 [{', '.join(['x'] * width)}]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels)]
    return "\n".join([*lines, "data: *a0"])


_BOMBS = st.one_of(
    st.builds(_laughs, st.integers(1, 12), st.integers(1, 12)),
    st.integers(1, 3000).map(lambda depth: "a: " + "[" * depth),
    st.integers(1, 3000).map(lambda depth: "".join(" " * i + "a:\n" for i in range(min(depth, 300))) + "x"),
    st.integers(1, 3000).map(lambda depth: "- " * depth + "x"),
    st.integers(1, 3000).map(lambda depth: "{a: " * depth + "1" + "}" * depth),
    st.integers(1, 20000).map(lambda count: "seed: " + "9" * count),
    st.integers(1, 5000).map(lambda count: "\n".join(f"k{i}: {i}" for i in range(count))),
    st.integers(1, 2000).map(lambda count: "data: {train: [" + "{path: data.jsonl}, " * count + "]}"),
    st.integers(1, 2000).map(lambda count: "loss: [" + "cosent, " * count + "]"),
    st.sampled_from(
        [
            "&a [*a]",
            "&a {a: *a}",
            "model: &m {name_or_path: x, dense: *m}",
            "? [a, b]\n: c",
            "? {a: b}\n: c",
            "? &a a\n: *a",
        ]
    ),
)
TEXTS = st.one_of(
    trees().map(write_yaml),
    trees().map(write_yaml),
    trees().map(write_yaml),
    _damaged(),
    NOISE,
    _BOMBS,
    st.builds("{}{}".format, trees().map(write_yaml), NOISE),
)
ENCODED = st.one_of(
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    TEXTS.map(lambda text: text.replace("\n", "\r\n").encode("utf-8", "replace")),
    TEXTS.map(lambda text: b"\xef\xbb\xbf" + text.encode("utf-8", "replace")),
    TEXTS.map(lambda text: text.encode("utf-16", "replace")),
    TEXTS.map(lambda text: text.encode("latin-1", "replace")),
    st.binary(max_size=60),
)
_EXTENDED = st.sampled_from([
    "base.yaml", "c.yaml", "./c.yaml", "other.yaml", "loop.yaml", ".", "..", "", "/dev/null", "/dev/zero",
    "nothing.yaml", "data.jsonl", "bad.yaml",
    "\0", "a" * 300, "~/x.yaml", "sub/deep.yaml", "pipe", "http://x/y",
])  # fmt: skip
_SETS = st.builds(
    "{}={}".format,
    st.lists(KEYS | st.sampled_from(["0", "1", "-1", "99999999999"]), min_size=1, max_size=4).map(".".join),
    NOISE | ODD_TEXTS | VALUES.map(lambda value: write_yaml(value, flow=True)),
) | NOISE  # fmt: skip
_COMMANDS = st.sampled_from(
    [("validate",)] * 10
    + [
        ("validate", "--show-origins"),
        ("validate", "--json"),
        ("check-format",),
        ("check-format", "--json"),
        ("train", "--dry-run"),
    ]
)


def _argument(text: str) -> str:
    """Text that can be an argument of a process: an empty or NUL-holding one is none."""
    return text.replace("\0", "0").encode("utf-8", "replace").decode()


def cases(root: Path) -> st.SearchStrategy[Case]:
    """Texts that may be configs, and one time in three configs of runs."""
    return st.one_of(config_cases(), config_cases(), run_cases())


@st.composite
def config_cases(draw: st.DrawFn) -> Case:
    """A config, what it may extend, and the command that reads it."""
    content = draw(ENCODED)
    if not draw(st.integers(0, 3)):
        content = f"extends: {write_yaml(draw(_EXTENDED), flow=True)}\n".encode("utf-8", "surrogatepass") + content
    sets = [word for text in draw(st.just([]) | st.lists(_SETS, max_size=2)) for word in ("--set", _argument(text))]
    return Case(
        words=(*draw(_COMMANDS), "c.yaml", *sets),
        files={
            "c.yaml": content, "data.jsonl": DATA, "base.yaml": BASE, "bad.yaml": b"\xff\xfe",
            "loop.yaml": b"extends: c.yaml\n",
            "other.yaml": draw(ENCODED), "sub/deep.yaml": b"extends: ../base.yaml\n",
        },
        links={"pipe": "/dev/full"},
    )  # fmt: skip


IMPORTED: tuple[str, ...] = ()


def prepare(root: Path) -> None:
    """Nothing is needed."""

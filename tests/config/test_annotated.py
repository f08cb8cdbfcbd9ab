"""A config as a person reads it: comments beside or above, and the same values when it is read again."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from embtune.config.annotated import WIDTH, Entry, Items, Section, annotated_yaml
from embtune.config.keys import described, sections
from embtune.config.schema import RunConfig

LONG = (
    "A comment that is much too long to stand beside its key, whatever the key is called, and so stands above it, cut."
)


def test_short_comments_stand_beside_in_one_column_and_long_ones_above_with_what_was_found() -> None:
    short = (Entry("a", 1, "One."), Entry("bcd", "x", "Two."), Entry("e", 2, LONG, ("found this",)))
    text = annotated_yaml(
        [Entry("s", Section((*short, Entry("f", None, "Off.", is_off=True)), ("Below.",)), "A part.")]
    )
    assert text.splitlines() == [
        "s:  # A part.",
        "  a: 1    # One.",
        "  bcd: x  # Two.",
        f"  # {LONG[:-5]}",
        "  # cut.",
        "  #   found this",
        "  e: 2",
        "  # f: null  # Off.",
        "  # Below.",
    ]


def test_a_list_of_sections_has_its_dash_before_the_first_key() -> None:
    item = Section((Entry("name", "n", "Name."), Entry("path", "p", LONG)))
    text = annotated_yaml([Entry("v", 1), Entry("list", Items((item, item)))], ["Head", "", "  set in"])
    assert text.startswith("# Head\n#\n#   set in\nv: 1\n\nlist:\n  - name: n  # Name.\n    # A comment")
    assert yaml.safe_load(text) == {"v": 1, "list": [{"name": "n", "path": "p"}] * 2}


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), min_size=1), st.text())
def test_whatever_a_value_holds_it_reads_back_and_no_comment_becomes_a_key(values: dict[str, str], remark: str) -> None:
    entry = Entry("columns", values, "Role to column.", (remark,))
    text = annotated_yaml([Entry("s", Section((entry,), (remark,)))])
    read = yaml.safe_load(text)
    assert list(read) == ["s"]
    assert list(read["s"]) == ["columns"]


def test_comments_are_no_wider_than_a_line() -> None:
    text = annotated_yaml([Entry("s", Section((Entry("a", 1, LONG * 3, (LONG * 2,)),), (LONG * 2,)))])
    assert max(map(len, text.splitlines())) <= WIDTH


def test_every_key_of_the_schema_is_described() -> None:
    keys = {f"{place}.{key}".removeprefix(".") for place, names in sections().items() for key in names}
    assert described().keys() == keys
    assert all(text[0].isupper() and len(text) > 10 for text in described().values())
    assert described()["seed"] == RunConfig.model_fields["seed"].description

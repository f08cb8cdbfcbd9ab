"""What is written is read back, by a Markdown parser, as the text it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embtune.report.markdown import code, code_block, escaped, shortened, table

markdown_it = pytest.importorskip("markdown_it")
HOSTILE = ["a|b", "*x* _y_ ~z~", "<b>&amp;</b>", "[l](http://x)", "`c` ``d``", "a\\|b", "# h", "![i](j)", "a\nb", "$x$"]
WORDS = st.text(st.sampled_from(list("ab |*_`<>&[]()#\\~!$\n-")), min_size=1).filter(lambda text: text.strip() != "")


def cells(markdown: str) -> list[str]:
    """The text of each cell of a table's body, as a reader sees it."""
    tokens = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    inline = [token for token in tokens if token.type == "inline"]
    plain = {"text", "code_inline", "text_special"}
    assert all(child.type in plain for token in inline for child in token.children)
    return ["".join(child.content for child in token.children) for token in inline]


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_a_table(text: str) -> None:
    assert cells(table(("h", "i"), [(escaped(text), code(text))])) == ["h", "i", one_line(text), one_line(text)]


@given(WORDS)
def test_any_text_stays_text_in_a_table(text: str) -> None:
    assert cells(table(("h", "i"), [("left", f"x{escaped(text)}")]))[3] == f"x{one_line(text)}"


def test_a_block_holds_fences() -> None:
    text = "```python\nx = 1\n```"
    (block,) = markdown_it.MarkdownIt("commonmark").parse(code_block("text", text))
    assert (block.type, block.info, block.content) == ("fence", "text", f"{text}\n")


def test_numbers_stand_to_the_right_and_no_rows_are_no_table() -> None:
    assert table(("a", "b"), [("x", "1")], numbers=1).splitlines()[1] == "| --- | ---: |"
    assert table(("a", "b"), []) == ""


def test_long_text_ends_in_an_ellipsis() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abc def", 5) == "abc…"

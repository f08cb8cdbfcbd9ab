"""Whatever the table, detection gives a layout of its own columns or a message; never anything else."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from embtune.catalog import Format, all_specs
from embtune.data.roles import declared_layout, detect_layout
from embtune.data.row import Row
from embtune.errors import ConfigError, DataError, Location

HERE = Location("data.jsonl", 1)
HUGE = 10**400  # no float holds it
KNOWN_NAMES = (
    "anchor query positive negative negatives negative_1 negative_2 sentence1 sentence_B text text_1 text_2 "
    "label score scores margin embedding damaged original id Anchor"
)
NAMES = st.sampled_from(KNOWN_NAMES.split()) | st.just(" text")
CELLS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["[1, 2]", "[]", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)
ROWS = st.lists(st.dictionaries(NAMES, CELLS, max_size=5).map(lambda values: Row(dict(values), HERE)), max_size=6)
WANTED = st.sampled_from([spec.formats for spec in all_specs()]) | st.none()


@given(ROWS, WANTED)
def test_detection_reads_only_columns_that_are_there_and_gives_each_a_reason(
    rows: list[Row], wanted: tuple[Format, ...] | None
) -> None:
    with suppress(ConfigError, DataError):
        layout = detect_layout(rows, wanted)
        columns = {name for row in rows for name in row.values}
        used = [*layout.columns.values(), *([] if layout.label_column is None else [layout.label_column])]
        assert set(used) <= columns
        assert len(layout.reasons) == len(used)


@given(st.dictionaries(NAMES | st.text(max_size=4), NAMES, max_size=4), ROWS)
def test_a_declaration_is_followed_to_the_letter_or_refused(declared: dict[str, str], rows: list[Row]) -> None:
    with suppress(ConfigError, DataError):
        layout = declared_layout(declared, rows)
        used = [*layout.columns.values(), *([] if layout.label_column is None else [layout.label_column])]
        assert sorted(used) == sorted(declared.values())

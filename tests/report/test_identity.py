from hypothesis import given
from hypothesis import strategies as st

from embtune.report.identity import changed_keys

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values)
def test_a_config_is_the_same_as_itself(config: object) -> None:
    assert changed_keys(config, config) == []


@given(values, values)
def test_changes_are_seen_from_both_sides(old: object, new: object) -> None:
    forth = {(change.key, repr(change.old), repr(change.new)) for change in changed_keys(old, new)}
    back = {(change.key, repr(change.new), repr(change.old)) for change in changed_keys(new, old)}
    assert forth == back


def test_changed_keys_are_dotted_and_show_both_values() -> None:
    old = {"train": {"batch_size": 64, "bf16": True}, "data": {"train": [{"path": "a"}, {"path": "b"}]}, "seed": 1}
    new = {"train": {"batch_size": 128, "bf16": False}, "data": {"train": [{"path": "a"}, {"path": "c"}]}, "seed": 1}
    assert [str(change) for change in changed_keys(old, new)] == [
        "train.batch_size: 64 -> 128",
        "train.bf16: true -> false",
        "data.train.1.path: 'b' -> 'c'",
    ]


def test_unset_null_and_false_are_three_values() -> None:
    shown = [str(change) for change in changed_keys({"a": None, "b": False, "c": 0}, {"a": False, "c": False})]
    assert shown == ["a: null -> false", "b: false -> unset", "c: 0 -> false"]


def test_an_ignored_prefix_covers_a_section_and_no_longer_word() -> None:
    old = {"logging": {"steps": 1}, "logging_more": 1, "hub": 1}
    new = {"logging": {"steps": 2}, "logging_more": 2, "hub": 2}
    assert [change.key for change in changed_keys(old, new, ["logging", "hub"])] == ["logging_more"]

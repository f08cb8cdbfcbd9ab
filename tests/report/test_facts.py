from embtune.report.facts import Fact, aligned, as_mapping, quantity


def test_values_stand_under_each_other_and_long_texts_are_indented() -> None:
    facts = [Fact("rows", 12000), Fact("negatives per anchor", None), Fact("steps", 7, "7\nof them 1 warm-up")]
    assert aligned(facts) == [
        "rows                  12,000",
        "negatives per anchor  -",
        "steps                 7\n                      of them 1 warm-up",
    ]


def test_keys_are_labels_that_a_script_can_use() -> None:
    assert as_mapping([Fact("warm-up steps", 5), Fact("Truncated", float("nan"))]) == {
        "warm_up_steps": 5,
        "truncated": None,
    }


def test_quantities_read_well() -> None:
    assert [quantity(value) for value in (1234567, 0.123456, True, "x")] == ["1,234,567", "0.1235", "True", "x"]

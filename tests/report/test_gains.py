from embtune.report.gains import Gain, gain_table, gains


def test_gains_are_after_minus_before_for_the_names_asked_for() -> None:
    rows = gains({"a": 0.5, "b": 0.25, "c": 1.0}, {"a": 0.75, "b": 0.125}, ["b", "a", "c"])
    assert [(row.metric, row.gain) for row in rows] == [("b", -0.125), ("a", 0.25)]


def test_the_table_is_aligned() -> None:
    assert gain_table([Gain("dev/ndcg@10", 0.787, 0.85), Gain("sts/spearman", 0.863, 0.8021)]) == [
        "metric          before     after      gain",
        "dev/ndcg@10     0.7870    0.8500   +0.0630",
        "sts/spearman    0.8630    0.8021   -0.0609",
    ]

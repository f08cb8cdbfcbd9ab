from embtune.report.gains import Gain, gain_table, gains, worse_sentence


def test_gains_are_after_minus_before_for_the_names_asked_for() -> None:
    rows = gains({"a": 0.5, "b": 0.25, "c": 1.0}, {"a": 0.75, "b": 0.125}, ["b", "a", "c"])
    assert [(row.metric, row.gain) for row in rows] == [("b", -0.125), ("a", 0.25)]


def test_the_table_is_aligned() -> None:
    assert gain_table([Gain("dev/ndcg@10", 0.787, 0.85), Gain("sts/spearman", 0.863, 0.8021)]) == [
        "metric          before     after      gain",
        "dev/ndcg@10     0.7870    0.8500   +0.0630",
        "sts/spearman    0.8630    0.8021   -0.0609",
    ]


def test_a_model_that_got_worse_is_told_in_a_sentence_with_what_is_kept() -> None:
    assert worse_sentence(Gain("sts/spearman", 0.863, 0.8021), best_step=0) == (
        "The model got worse than its start: sts/spearman fell from 0.8630 to 0.8021 (-0.0609). "
        "The best checkpoint is the start."
    )


def test_a_model_that_gained_or_stayed_the_same_is_no_warning() -> None:
    assert worse_sentence(Gain("a", 0.5, 0.6)) is None
    assert worse_sentence(Gain("a", 0.5, 0.49999)) is None

from embtune.report.gains import Gain
from embtune.report.outcome import Outcome


def outcome(before: float, after: float, best_step: int) -> Outcome:
    return Outcome(Gain("sts/spearman", before, after), best_step, 120, "checkpoints/step-000120", 2e-5)


def test_a_start_that_nothing_beat_is_told_with_where_the_trained_weights_are() -> None:
    fell = outcome(0.863, 0.8021, best_step=0)
    assert not fell.improved
    assert fell.warning() == (
        "not-improved",
        "Training did not improve sts/spearman: 0.8630 at the start, 0.8021 after step 120, the last, and never better "
        "between. The saved model has the weights of the start.",
    )
    assert fell.where_the_last_are("runs/sts/") == (
        "The weights of step 120 are in runs/sts/checkpoints/step-000120; "
        "with checkpoint.best_metric: null a run saves its last ones."
    )


def test_advice_follows_the_way_the_metric_went() -> None:
    assert "train.learning_rate: 2e-06 (now 2e-05)" in outcome(0.863, 0.8021, best_step=0).what_to_try()
    assert "train.learning_rate: 0.0002 (now 2e-05)" in outcome(0.863, 0.863, best_step=0).what_to_try()
    assert outcome(1.0, 1.0, best_step=0).what_to_try().startswith("sts/spearman has nothing to gain")


def test_a_last_step_worse_than_the_start_is_told_with_the_step_that_is_kept() -> None:
    assert outcome(0.863, 0.8021, best_step=40).warning() == (
        "got-worse",
        "The model got worse than its start: sts/spearman fell from 0.8630 to 0.8021 (-0.0609). "
        "The best checkpoint is step 40.",
    )


def test_a_gain_is_no_warning() -> None:
    assert outcome(0.5, 0.6, best_step=40).warning() is None
    assert outcome(0.5, 0.49999, best_step=40).warning() is None

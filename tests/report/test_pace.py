import pytest

from embtune.report.pace import Pace, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (59.4, "59s"), (59.6, "1m00s"), (72, "1m12s"), (3599.7, "1h00m"),
     (7380, "2h03m"), (273600, "3d04h"), (None, "?")],
)  # fmt: skip
def test_durations_read_well(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_time_left_counts_only_what_this_session_did() -> None:
    now = 100.0
    pace = Pace(total=100, done=60, clock=lambda: now)
    assert pace.remaining(60) is None
    now = 110.0
    assert pace.remaining(80) == pytest.approx(10.0)  # 20 units in 10 s, 20 left

import re
from pathlib import Path

from embtune.report.train_log import TrainLog, without_escapes


def test_each_line_has_its_time_and_no_colours(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    for text in ("\x1b[1;31mwarning:\x1b[0m bad\rsecond", "third\nfourth"):
        with TrainLog.opened(path) as log:
            log.line(text)
    lines = path.read_text().splitlines()
    assert [line[22:] for line in lines] == ["warning: badsecond", "third", "fourth"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  ", line) for line in lines)


def test_titles_and_cursor_moves_are_escapes_too() -> None:
    assert without_escapes("\x1b]0;title\x07a\x1b[2Kb\x1b[?25lc") == "abc"

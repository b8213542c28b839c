"""Lists, facts, bars and spinners, at every width and where there is no terminal."""

from io import StringIO
from time import sleep

import pytest
from rich.console import Console

from starter.render.bar import Bar
from starter.render.listing import print_table
from starter.render.working import working

COLUMNS = ("Id", "Status", "Made, UTC", "Name")
ID = "3f9c0d" + "0" * 26
ROWS = [(ID, "passed", "2026-11-26 10:00", "a name with blanks that goes on for a while"), (ID, "failed", "", "b")]


def shown(width: int, rows: list[tuple[str, ...]] = ROWS, columns: tuple[str, ...] = COLUMNS) -> str:
    stream = StringIO()
    print_table(columns, rows, "There is none.", Console(file=stream, width=width))
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_what_may_be_copied_is_never_broken(width: int) -> None:
    text = shown(width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count(ID) == 2 and text.count("2026-11-26 10:00") == 1


def test_a_narrow_terminal_gets_records_and_a_wide_one_a_table() -> None:
    assert "│" in shown(100)
    narrow = shown(60)
    assert "│" not in narrow and narrow.startswith(f"Id         {ID}")
    assert narrow.count("Made, UTC") == 1, "what is empty is left out"


def test_nothing_is_a_sentence_and_facts_have_no_titles() -> None:
    assert shown(60, []) == "There is none.\n"
    facts = shown(60, [("Content", "ds:v1:sha256:" + "0" * 64)], ("", ""))
    assert "Content" in facts and "Id" not in facts


def test_control_characters_of_others_stay_out_of_the_terminal() -> None:
    assert "\x1b" not in shown(120, [("a\x1b[2J", "b", "c", "d")])


def test_a_log_gets_slow_lines_and_quick_work_none() -> None:
    stream = StringIO()
    with working("Verifying [the] chain", Console(file=stream, width=80), first=0.01):
        sleep(0.2)
    assert stream.getvalue() == "Verifying [the] chain ...\n"
    quick = StringIO()
    with working("Verifying", Console(file=quick, width=80)):
        pass
    assert quick.getvalue() == ""


def test_a_terminal_gets_a_spinner_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = StringIO()
    with working("Verifying", Console(file=stream, width=80, force_terminal=True)):
        sleep(0.05)
    assert "Verifying" in stream.getvalue() and stream.getvalue().endswith("\x1b[2K")


def test_a_log_gets_a_line_per_tenth() -> None:
    stream = StringIO()
    with Bar(Console(file=stream, width=80), "kB") as bar:
        for done in range(0, 5_001, 50):
            bar.update("sending", done, 5_000)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 11 and lines[-1] == "sending: 5,000 of 5,000 kB"

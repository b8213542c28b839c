"""Progress while a review runs."""

import io
from dataclasses import dataclass

import pytest
from rich.console import Console

from models.expert import ExpertName
from models.review import ExpertStatus
from starter.render.progress import ReviewProgress

SECURITY, QUALITY = ExpertName.SECURITY, ExpertName.QUALITY


@dataclass(frozen=True)
class State:
    status: str
    findings: int = 0
    seconds: float = 0.0


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    file = io.StringIO()
    with ReviewProgress(Console(file=file, width=80, force_terminal=True)) as progress:
        progress.update({SECURITY: State("running")})
    assert file.getvalue() == "security: running\n"


def test_a_log_gets_one_line_per_change() -> None:
    file = io.StringIO()
    with ReviewProgress(Console(file=file, width=20)) as progress:
        progress.update({QUALITY: State("waiting"), SECURITY: State("running")})
        progress.update({QUALITY: State("waiting"), SECURITY: State("running", 2, 1.0)})
        progress.update({QUALITY: State("not_selected"), SECURITY: State("retrying", 2, 1.5)})
        progress.update({QUALITY: State("not_selected"), SECURITY: State("done", 3, 2.25)})
    assert file.getvalue().splitlines() == [
        "security: running",
        "quality: waiting",
        "security: retrying",
        "quality: not selected",
        "security: done, 3 findings, 2.2 s",
    ]


def live(states: dict[ExpertName, State], later: float = 0.0, encoding: str = "utf-8") -> str:
    """What the terminal was sent up to the moment the work ended."""
    raw = io.BytesIO()
    now = 100.0
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    console = Console(file=file, width=80, force_terminal=True, color_system=None, legacy_windows=False)
    with ReviewProgress(console, clock=lambda: now) as progress:
        progress.update(states)
        now += later
        console.print("between")
    return raw.getvalue().decode(encoding)


def test_a_terminal_gets_one_row_per_expert_in_the_panels_order() -> None:
    states = {QUALITY: State("done", 1, 2.0), SECURITY: State("running", 0, 0.0)}
    text = live(states, later=4.5)
    assert text.index("security") < text.index("quality")
    assert "4.5 s" in text
    assert "1 finding " in text
    assert "2.0 s" in text


def test_only_who_works_ages() -> None:
    assert "7.0 s" in live({SECURITY: State("failed", 0, 7.0)}, later=5)


@pytest.mark.parametrize("status", list(ExpertStatus))
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_every_state_can_be_shown_on_every_terminal(status: ExpertStatus, encoding: str) -> None:
    assert status.value.replace("_", " ") in live({SECURITY: State(status.value)}, encoding=encoding)


def test_the_table_goes_away_and_the_cursor_comes_back_even_after_an_error() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True)
    with pytest.raises(KeyboardInterrupt), ReviewProgress(console) as progress:
        progress.update({SECURITY: State("running")})
        raise KeyboardInterrupt
    assert file.getvalue().rstrip().endswith("\x1b[2K")
    assert "\x1b[?25h" in file.getvalue()

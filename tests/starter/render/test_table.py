"""The report as a person reads it in a terminal."""

import io
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from models.review import ReviewReport
from models.text import clean
from starter.render.table import print_report, write_table
from tests.activities.reports.hostile import CORPUS, hostile_report
from tests.activities.reports.samples import clean_report, finding, report, sighting

LINK = "http://127.0.0.1:8233/namespaces/default/workflows/review-0197f2c4a1b2/a-long-enough-run-id-to-fold/history"


def shown(reviewed: ReviewReport, width: int = 80, *, terminal: bool = False) -> str:
    file = io.StringIO()
    colours = "truecolor" if terminal else "auto"
    write_table(reviewed, Console(file=file, width=width, force_terminal=terminal, color_system=colours), LINK)
    return file.getvalue()


def unfolded(text: str) -> str:
    """Without borders and folds: what the text says."""
    return "".join(re.sub("[\u2500-\u257f]", "", text).split())


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_nothing_is_cut_whatever_the_width(width: int) -> None:
    text = shown(report(findings=(finding(path="a/" * 60 + "x.py", message="long " * 60),)), width)
    lines = text.splitlines()
    assert all(len(line) <= width for line in lines if not line.startswith("Temporal UI"))
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    said = unfolded(text).replace("security92%", "")
    for part in ("a/" * 60 + "x.py:41-42", "long" * 60, "SELECT * FROM items WHERE name", "Pass the value"):
        assert part.replace(" ", "") in said
    assert "92%" in text


@pytest.mark.parametrize("width", [80, 120])
def test_a_reader_sees_findings_and_what_was_missed(width: int) -> None:
    said = unfolded(shown(report(), width))
    for part in (
        "PARTIAL", "1 critical", "shop/db.py:41-42", "SQL injection, CWE-89", "92%", "security", "Fix: Read it from",
        ">41", "1 critical, 1 high, 3 medium, 9 low in 5 files, 432 lines", "10 findings beyond the first 4",
        "1 file, could not be parsed (security: bandit): shop/legacy.py", "assets/logo 100%.png",
        "quality degraded (model not routed), 2 findings, 0.9 s", "dependency not selected", "0.71", "0.80",
        "namespaces",
    ):  # fmt: skip
        assert part.replace(" ", "") in said


def test_experts_and_confidence_have_columns_where_there_is_room() -> None:
    assert "Experts" not in shown(report(), 80).splitlines()[2]
    assert "Conf." in shown(report(), 120).splitlines()[2]


def test_the_link_is_in_one_piece() -> None:
    assert LINK in shown(report(), 60)


def test_only_terminals_get_colours() -> None:
    assert "\x1b[" in shown(report(), terminal=True)
    assert "\x1b" not in shown(report())


@pytest.mark.parametrize("width", [50, 120])
@pytest.mark.parametrize("text", CORPUS)
def test_hostile_text_is_only_text(text: str, width: int) -> None:
    printed = shown(hostile_report(text), width)
    assert all(character.isprintable() or character == "\n" for character in printed)
    lines = printed.splitlines()
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert not any("##[" in line or "##vso[" in line for line in lines)
    assert all(line[:1] in "\u256d\u2502\u251c\u2570CT" for line in lines)
    said = unfolded(clean(text, 110).rstrip("\N{HORIZONTAL ELLIPSIS}"))
    assert said.replace("#", "") in unfolded(printed).replace("#", "")


def test_hostile_text_makes_no_link_and_no_colour_in_a_terminal() -> None:
    for text in CORPUS:
        printed = shown(hostile_report(text), terminal=True)
        sequences = set(re.findall(r"\x1b[^m\\]*(?:m|\\)", printed))
        assert not [sequence for sequence in sequences if "evil" in sequence or sequence.startswith("\x1b]52;")]
        assert "\x07" not in printed


def test_a_clean_report_has_no_table_of_findings() -> None:
    text = shown(clean_report())
    assert "Severity" not in text
    assert "no findings in 5 files" in text
    assert "complete" in text


def test_a_quote_stands_in_for_a_missing_excerpt() -> None:
    assert ">412query" in unfolded(shown(report(findings=(finding(excerpt=(), line_start=412, line_end=412),))))


def test_many_files_of_one_gap_are_counted() -> None:
    skipped = tuple({"path": f"{n}.png", "reason": "binary"} for n in range(100))
    assert "and95more" in unfolded(shown(report(skipped=skipped)))


def test_weak_isolation_is_shown() -> None:
    assert "limits only" in shown(report(isolation="limits-only"))


def test_a_file_gets_plain_wide_text(tmp_path: Path) -> None:
    print_report(report(), tmp_path / "report.txt", LINK)
    text = (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "Conf." in text
    assert LINK in text


def test_a_terminal_without_the_character_still_gets_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    seen = (sighting(),)
    print_report(report(findings=(finding(message="Gr\u00fc\u00dfe \U0001f600", sightings=seen),)), link=LINK)
    sys.stdout.flush()
    assert b"Gr??e ?" in raw.getvalue()

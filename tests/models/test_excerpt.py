"""Code around a finding."""

from models.excerpt import code_lines
from tests.activities.reports.samples import finding


def test_lines_are_numbered_and_those_of_the_finding_flagged() -> None:
    lines = code_lines(finding(), 400)
    assert [(line.number, line.flagged) for line in lines] == [(39, False), (40, False), (41, True), (42, True)]
    assert lines[0].text == "def find(name):"


def test_blank_lines_around_are_left_out_but_never_flagged_ones() -> None:
    blank = finding(excerpt=("", "  ", "", "x", ""), excerpt_start=40, line_start=42, line_end=42)
    assert [line.number for line in code_lines(blank, 400)] == [42, 43]


def test_a_quote_stands_in_for_a_missing_excerpt_and_nothing_for_neither() -> None:
    assert [line.number for line in code_lines(finding(excerpt=()), 400)] == [41]
    assert code_lines(finding(excerpt=(), quote=""), 400) == ()


def test_a_long_line_ends_in_an_ellipsis() -> None:
    assert code_lines(finding(excerpt=("x" * 50,), excerpt_start=41), 10)[0].text == "x" * 9 + "\N{HORIZONTAL ELLIPSIS}"

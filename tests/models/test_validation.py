"""Nothing is shown whose place does not exist or whose quote is not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.expert import Place
from models.fingerprint import fingerprints
from models.source import LineRange
from models.validation import Drop, checked, excerpt, touches_change, validated
from tests.fakes import TEXTS, finding, manifest

LINES = {path: text.splitlines() for path, text in TEXTS.items()}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"path": "../../etc/passwd"}, Drop.UNKNOWN_PATH),
        ({"path": "/etc/passwd"}, Drop.UNKNOWN_PATH),
        ({"line_start": 6, "line_end": 6}, Drop.LINE_OUT_OF_RANGE),
        ({"line_start": 10**9, "line_end": 10**9}, Drop.LINE_OUT_OF_RANGE),
        ({"quote": "os.popen(cmd)"}, Drop.QUOTE_NOT_FOUND),
        ({"quote": "import os"}, Drop.QUOTE_NOT_FOUND),
        ({"message": "\x1b[31m\u202e"}, Drop.EMPTY_MESSAGE),
    ],
)
def test_what_is_dropped_and_why(changes: dict[str, object], reason: Drop) -> None:
    assert checked(finding(**changes), LINES) is reason


def test_a_good_finding_comes_out_clean() -> None:
    got = checked(finding(message="a \x1b[31mred\x1b[0m\u202e word", line_end=99, quote="os.system( cmd )"[:9]), LINES)
    assert not isinstance(got, Drop)
    assert (got.message, got.line_end, got.quote) == ("a red word", 5, "os.system(cmd)")


def test_duplicates_are_counted_not_shown() -> None:
    kept, dropped = validated([finding(), finding(), finding(path="nowhere.py")], LINES)
    assert len(kept) == 1
    assert dropped == {"duplicate": 1, "unknown_path": 1}


def test_only_findings_that_touch_the_change_count() -> None:
    change = manifest(changed={"shop/app.py": (LineRange(start=1, end=2),)})
    assert not touches_change(finding(), change)
    assert touches_change(finding(line_start=2, line_end=2, quote=""), change)
    assert touches_change(finding(), manifest())


def test_what_the_change_causes_elsewhere_counts() -> None:
    change = manifest(changed={"shop/db.py": (LineRange(start=1, end=1),)})
    elsewhere = finding(related=(Place(path="shop/db.py", line_start=1, line_end=1),))
    assert touches_change(elsewhere, change)


@given(st.lists(st.text(max_size=80), max_size=30), st.integers(1, 40), st.integers(0, 60))
def test_an_excerpt_lies_in_the_file_and_is_short(text: list[str], start: int, length: int) -> None:
    first, shown = excerpt(text, start, start + length)
    assert len(shown) <= 12
    assert first >= 1
    assert first + len(shown) - 1 <= max(len(text), first)


CODE_LINES = st.lists(st.sampled_from(["a = 1", "b = 2", "run( x )", "", "  run(x)"]), min_size=1, max_size=20)


@given(CODE_LINES, st.integers(1, 20))
def test_fingerprints_survive_a_shift_of_all_lines(lines: list[str], shift: int) -> None:
    def places(text: list[str]) -> list[tuple[str, str, str]]:
        return [("a.py", "kind", line) for line in text if line.strip()]

    assert fingerprints(places(lines)) == fingerprints(places([""] * shift + lines))


def test_fingerprints_tell_equal_lines_apart_and_ignore_white_space() -> None:
    first, second = fingerprints([("a.py", "k", "run(x)"), ("a.py", "k", "run(x)")])
    assert first != second
    assert fingerprints([("a.py", "k", "  x =   1")]) == fingerprints([("a.py", "k", "x = 1")])
    assert fingerprints([("a.py", "k", "x"), ("b.py", "k", "x")])[1] != fingerprints([("a.py", "k", "x")])[0]


@pytest.mark.parametrize("line", ["x = 1  # \u202e hidden", "y" * 900, "z = '\x1b[31m'", "plain = 1"])
def test_what_passed_once_passes_again(line: str) -> None:
    lines = {"shop/app.py": [line]}
    once, dropped = validated([finding(line_start=1, line_end=1, quote="")], lines)
    assert not dropped
    assert validated(once, lines) == (once, {})

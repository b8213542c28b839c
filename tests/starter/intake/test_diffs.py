"""Unified diffs: which lines of which files changed, and which diffs are refused."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.errors import InvalidInput
from models.source import LineRange
from starter.intake.diffs import parse_diff, ranges_of, without_files
from tests.starter.intake.building import a_diff

OLD = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n"


def refusal(text: str) -> tuple[str, int | None]:
    with pytest.raises(InvalidInput) as caught:
        parse_diff(text)
    line = caught.value.problem.details.get("line")
    return caught.value.problem.code, line if isinstance(line, int) else None


@pytest.mark.parametrize("context", [0, 1, 3])
def test_added_and_modified_lines_are_changed(context: int) -> None:
    new = OLD.replace("two\n", "TWO\n").replace("eight\n", "eight\nand a half\n")
    (file,) = parse_diff(a_diff("src/a.py", OLD, new, context))
    assert file.path == "src/a.py"
    assert file.changed(10) == (LineRange(start=2, end=2), LineRange(start=9, end=9))
    assert file.removed == ["two"]


@pytest.mark.parametrize("context", [0, 1, 3])
@pytest.mark.parametrize(("gone", "changed"), [("one\n", 1), ("five\n", 5), ("nine\n", 8), ("seven\neight\n", 7)])
def test_of_a_deletion_the_line_after_it_is_changed_or_the_last(context: int, gone: str, changed: int) -> None:
    new = OLD.replace(gone, "")
    (file,) = parse_diff(a_diff("a.py", OLD, new, context))
    assert file.changed(new.count("\n")) == (LineRange(start=changed, end=changed),)


@pytest.mark.parametrize(("old", "new"), [("one\ntwo\n", "two\n"), ("two\n", "one\ntwo\n")])
def test_a_change_at_the_top_without_context_is_neither_a_new_nor_a_deleted_file(old: str, new: str) -> None:
    (file,) = parse_diff(a_diff("a.py", old, new, context=0))
    assert (file.is_new, file.is_deleted, file.has_text) == (False, False, True)


HEADER = "diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n"


@pytest.mark.parametrize(
    ("diff", "path"),
    [
        (HEADER + "@@ -1 +1 @@\n-x\n+y\n", "a.py"),
        ("--- a.py\n+++ a.py\n@@ -1 +1 @@\n-x\n+y\n", "a.py"),
        ("--- a/a.py\t2024-01-01 10:00:00\n+++ b/a.py\t2024-01-02 10:00:00\n@@ -1 +1 @@\n-x\n+y\n", "a.py"),
        ("--- i/a.py\n+++ w/a.py\n@@ -1 +1 @@\n-x\n+y\n", "a.py"),
        ("--- a/x.py\n+++ a/x.py\n@@ -1 +1 @@\n-x\n+y\n", "a/x.py"),
        ("--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+y\n", "new.py"),
        ('--- "a/n\\303\\251 \\"x\\".py"\n+++ "b/n\\303\\251 \\"x\\".py"\n@@ -1 +1 @@\n-x\n+y\n', 'né "x".py'),
        ("diff --git a/my f.py b/my f.py\n--- a/my f.py\t\n+++ b/my f.py\t\n@@ -1 +1 @@\n-x\n+y\n", "my f.py"),
        (
            "diff --git a/old.py b/new.py\nsimilarity index 90%\nrename from old.py\nrename to new.py\n"
            "--- a/old.py\n+++ b/new.py\n@@ -1 +1 @@\n-x\n+y\n",
            "new.py",
        ),
        (
            "From 1 Mon Sep 17\nSubject: x\n\n---\n a.py | 2 +-\n 1 file changed\n\n"
            + HEADER
            + "@@ -1 +1 @@\n-x\n+y\n-- \n2.39.5\n\n",
            "a.py",
        ),
        ((HEADER + "@@ -1 +1 @@\n-x\n+y\n").replace("\n", "\r\n"), "a.py"),
    ],
)
def test_the_path_is_that_of_the_new_side(diff: str, path: str) -> None:
    (file,) = parse_diff(diff)
    assert file.path == path
    assert file.added == {1: "y"}
    assert file.has_text


def test_carriage_returns_of_the_files_themselves_stay() -> None:
    (file,) = parse_diff(HEADER + "@@ -1 +1 @@\n-x\r\n+y\r\n")
    assert file.added == {1: "y\r"}


def test_a_missing_last_line_end_is_seen_on_the_new_side_only() -> None:
    marker = "\\ No newline at end of file\n"
    (new,) = parse_diff(HEADER + f"@@ -1 +1 @@\n-x\n+y\n{marker}")
    (old,) = parse_diff(HEADER + f"@@ -1 +1 @@\n-x\n{marker}+y\n")
    assert (new.ends_without_newline, old.ends_without_newline) == (True, False)


@pytest.mark.parametrize(
    "section",
    [
        "diff --git a/a.py b/a.py\ndeleted file mode 100644\n--- a/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
        "diff --git a/a.png b/a.png\nindex 1..2 100644\nBinary files a/a.png and b/a.png differ\n",
        "diff --git a/a.sh b/a.sh\nold mode 100644\nnew mode 100755\n",
        "diff --git a/old.py b/new.py\nsimilarity index 100%\nrename from old.py\nrename to new.py\n",
        "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n",
        "diff --git a/m b/m\nnew file mode 160000\n--- /dev/null\n+++ b/m\n@@ -0,0 +1 @@\n+Subproject commit 1\n",
        "diff --git a/b b/b\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKc$@(M@@1\n\nliteral 0\nHcmV?d00001\n\n",
    ],
)
def test_what_changes_no_line_of_a_text_file_is_read_past(section: str) -> None:
    files = parse_diff(section + HEADER.replace("a.py", "z.py") + "@@ -1 +1 @@\n-x\n+y\n")
    assert [file.has_text for file in files] == [False, True]


@pytest.mark.parametrize(
    ("diff", "line"),
    [
        pytest.param(HEADER + "@@ -1,3 +1,3 @@\n-x\n+y\n", 7, id="shorter than its header"),
        pytest.param(HEADER + "@@ -1 +1 @@\n-x\n+y\n+z\n", 8, id="one added line more"),
        pytest.param(HEADER + "@@ -1 +1 @@\n-x\n+y\n z\n", 8, id="one context line more"),
        pytest.param(HEADER + "@@ -1 +1 @@\n-x\n-z\n+y\n", 7, id="one removed line more"),
        pytest.param(HEADER + "@@ -1,2 +1,2 @@\n x\nzzz\n", 7, id="a line of no kind"),
        pytest.param(HEADER + "@@ -1 +x @@\n-x\n+y\n", 5, id="a header without numbers"),
        pytest.param(HEADER + "@@@ -1 -1 +1 @@@\n- x\n++y\n", 5, id="a combined diff"),
        pytest.param("diff --cc a.py\nindex 1,2..3\n--- a/a.py\n+++ b/a.py\n", 1, id="a combined diff without hunks"),
        pytest.param(HEADER + f"@@ -1 +{'9' * 5000} @@\n-x\n+y\n", 5, id="a number of 5,000 digits"),
        pytest.param(HEADER + "@@ -9 +9 @@\n-x\n+y\n@@ -1 +1 @@\n-x\n+y\n", 1, id="hunks in the wrong order"),
        pytest.param(HEADER + "@@ -1 +0 @@\n-x\n+y\n", 1, id="line 0"),
        pytest.param("@@ -1 +1 @@\n-x\n+y\n", 1, id="no file"),
        pytest.param("+++ b/a.py\n@@ -1 +1 @@\n-x\n+y\n", 1, id="no old side"),
        pytest.param((HEADER + "@@ -1 +1 @@\n-x\n+y\n") * 2, 8, id="one file twice"),
        pytest.param(HEADER + "@@ -1 +1 @@\n-x\n+y\0\n", 7, id="NUL"),
        pytest.param("diff --git " + "://" * 1000 + " x" * 1000 + "\n", 1, id="a header made to run for hours"),
        pytest.param("Binary files " + " and " * 20000 + "\n", 1, id="another one"),
    ],
)
def test_a_diff_that_does_not_add_up_is_refused_with_its_line(diff: str, line: int) -> None:
    start = time.perf_counter()
    assert refusal(diff) == ("invalid_diff", line)
    assert time.perf_counter() - start < 1


def test_the_message_says_where_and_never_what() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_diff(HEADER + "@@ -1 +1 @@\n-secret-content\nsecret-content\n")
    assert "line 7" in caught.value.problem.message
    assert "secret" not in caught.value.problem.model_dump_json()


def test_sections_can_be_taken_out() -> None:
    git_style = HEADER + "@@ -1 +1 @@\n-x\n+y\n"
    plain = "--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-x\n+y\n"
    text = f"preamble\n{git_style}{plain}{git_style.replace('a.py', 'c.py')}"
    files = parse_diff(text)
    left = without_files(text, files, {"b.py"})
    assert [file.path for file in parse_diff(left)] == ["a.py", "c.py"]
    assert without_files(text, files, {"a.py", "c.py"}) == f"preamble\n{plain.rstrip()}"
    assert without_files(text, files, set()) == text


texts = st.lists(st.sampled_from(["a", "b", "", " x", "+p", "-m", "-- ", "@@ -1 +1 @@", "\r", "\\ n"]), max_size=12)


@given(texts, texts, st.integers(0, 3), st.booleans())
@example(["a"], [], 0, True)
def test_the_changed_lines_of_any_two_texts_are_found(
    old_lines: list[str], new_lines: list[str], context: int, final_newline: bool
) -> None:
    old = "".join(f"{line}\n" for line in old_lines)
    new = "".join(f"{line}\n" for line in new_lines)
    new = new if final_newline else new.removesuffix("\n")
    diff = a_diff("a.py", old, new, context)
    if not diff:
        return
    (file,) = parse_diff(diff)
    lines = new.split("\n")
    known = file.added | file.context
    assert all(lines[number - 1] == text for number, text in known.items())
    for part in file.changed(len(new_lines)):
        assert 1 <= part.start <= part.end <= max(1, len(new_lines))
    # Undoing the change on the new side gives the old side: nothing changed that is not said to be.
    kept = [line for number, line in enumerate(_lines(new), 1) if number not in file.added]
    assert _is_subsequence(kept, _lines(old))
    assert len(kept) + len(file.removed) == len(_lines(old))


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _is_subsequence(part: list[str], whole: list[str]) -> bool:
    remaining = iter(whole)
    return all(line in remaining for line in part)


fragments = st.sampled_from(
    [
        "diff --git a/a b/a\n", "diff --git x\n", "--- a/a\n", "+++ b/a\n", "+++ /dev/null\n", "@@ -1 +1 @@\n",
        "@@ -1,2 +0,0 @@ f\n", "@@ -0,0 +1,2 @@\n", "@@", "-x\n", "+y\n", " z\n", "\n", "\\ No newline at end\n",
        "new file mode 100644\n", "deleted file mode 100644\n", "old mode 1\n", "Binary files a and b differ\n",
        "GIT binary patch\n", "--- \n", "+++ \n", "text\n", "\ud800\n", '--- "a/\\3', "Index: a\r\n",
    ]
)  # fmt: skip


@given(st.lists(fragments, max_size=14).map("".join))
def test_no_text_makes_the_parser_fail_in_another_way(text: str) -> None:
    try:
        parse_diff(text)
    except InvalidInput as error:
        assert error.problem.code == "invalid_diff"


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_exactly_the_numbers_and_do_not_touch(numbers: set[int]) -> None:
    ranges = ranges_of(numbers)
    assert {number for part in ranges for number in range(part.start, part.end + 1)} == numbers
    assert all(left.end + 1 < right.start for left, right in zip(ranges, ranges[1:], strict=False))


def test_a_diff_beyond_the_limits_is_refused_before_it_is_read() -> None:
    for text in ("x" * (16 * 1024 * 1024 + 1), "é" * (8 * 1024 * 1024 + 1), "\n" * 200_001):
        with pytest.raises(InvalidInput) as caught:
            parse_diff(text)
        assert (caught.value.problem.code, caught.value.status) == ("diff_too_large", 413)

"""Guards around the diff parser: what it would pass over, choke on or crash on is refused with its line number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from models.errors import InvalidInput
from models.source import MAX_PATH_LENGTH

if TYPE_CHECKING:
    from unidiff.patch import PatchedFile

NULL = "/dev/null"
_HEADERS = ("diff --git ", "--- ", "+++ ", "@@ ", "Index: ")
_FIRST_LINES = ("diff --git ", "Binary file")
_COMBINED = ("diff --cc ", "diff --combined ")
"""What the parser would pass over: such a file would count as unchanged."""
_PREFIX = re.compile(r"[abciow12]/")
"""`a/`, `b/`, and what git writes with diff.mnemonicPrefix or --no-index."""
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_MAX_HEADER = 2 * MAX_PATH_LENGTH + 64
_MAX_CONJUNCTIONS = 4
"""Occurrences of " and " in a header: names may hold some, but each costs the parser a scan of the line."""


def invalid_diff(line: int, why: str) -> InvalidInput:
    """A diff that cannot be trusted to say which lines changed."""
    message = f"The diff is malformed at line {line}: {why}. Send the output of `git diff` or `diff -u` unchanged."
    return InvalidInput("invalid_diff", message, line=line)


def split_lines(text: str) -> list[str]:
    """Lines with their ends; a diff whose own lines end in CRLF is read as if they ended in LF."""
    lines = text.split("\n")
    headers = [line for line in lines if line.startswith(_HEADERS)]
    if headers and all(line.endswith("\r") for line in headers):
        lines = [line.removesuffix("\r") for line in lines]
    ended = [f"{line}\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended


def parse_strictly(lines: list[str]) -> list[PatchedFile]:
    """The files of a diff, every line of it accounted for.

    Raises:
        InvalidInput: `invalid_diff`.
    """
    _screen(lines)
    patch = _parse(lines)
    _check_leftovers(lines, _lines_of_hunks(patch))
    return patch


def first_line(file: PatchedFile, lines: list[str]) -> int:
    """Line of the diff at which a file's section starts."""
    number = file.diff_line_no or 1
    # The section of a plain diff starts at `---`; the parser counts from `+++`.
    return number if lines[number - 1].startswith(_FIRST_LINES) else number - 1


def names_of(file: PatchedFile) -> tuple[str, str]:
    """Old and new path of a file, unquoted, without the prefixes; `NULL` where there is none."""
    source, target = _unquote(file.source_file), _unquote(file.target_file)
    named = [name for name in (source, target) if name != NULL]
    # The same prefix on both sides is a folder's name: the diff was made without prefixes.
    if all(map(_PREFIX.match, named)) and len({name[0] for name in named}) == len(named):
        return _without_prefix(source), _without_prefix(target)
    return source, target


def _without_prefix(name: str) -> str:
    return name if name == NULL else name[2:]


def _unquote(name: str) -> str:
    """Undo git's quoting of names with special characters: octal escapes of UTF-8 bytes between double quotes."""
    if not (len(name) > 1 and name[0] == name[-1] == '"'):
        return name

    def unescape(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code, 8) & 0xFF]) if code[:1].isdigit() else _ESCAPED.get(code, code)

    return _ESCAPE.sub(unescape, name[1:-1].encode(errors="replace")).decode(errors="replace")


def _screen(lines: list[str]) -> None:
    """Refuse header lines on which the parser's patterns would run for minutes, and what is no text at all."""
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise invalid_diff(number, "it holds a NUL character")
        if line.startswith(_COMBINED):
            raise invalid_diff(number, "combined diffs of merges are not supported; compare with one parent")
        if line.startswith(_FIRST_LINES) and (
            len(line) > _MAX_HEADER or "://" in line or line.count(" and ") > _MAX_CONJUNCTIONS
        ):
            raise invalid_diff(number, "the header names no relative paths")


def _parse(lines: list[str]) -> list[PatchedFile]:
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    position = 0

    def counted() -> Iterator[str]:
        nonlocal position
        for line in lines:
            position += 1
            yield line

    try:
        return list(PatchSet(counted()))
    except UnidiffParseError as error:
        # Its messages can quote the diff: they are matched, never passed on.
        counts = "longer than expected" in str(error) or "shorter than expected" in str(error)
        why = "the hunk does not have as many lines as its header says" if counts else "this line was not expected"
        raise invalid_diff(position, why) from None
    except (ValueError, AssertionError, AttributeError, TypeError, IndexError):
        raise invalid_diff(position, "this line cannot be read") from None


def _lines_of_hunks(patch: list[PatchedFile]) -> frozenset[int]:
    """Numbers of all lines that the parser took for part of a hunk, header lines included."""
    inside: set[int] = set()
    for file in patch:
        for hunk in file:
            numbers = [line.diff_line_no for line in hunk if line.diff_line_no]
            if not numbers or not hunk.is_valid():
                raise invalid_diff(file.diff_line_no or 1, "a hunk does not have as many lines as its header says")
            inside.update((numbers[0] - 1, *numbers))
    return frozenset(inside)


def _check_leftovers(lines: list[str], inside: frozenset[int]) -> None:
    """Find surplus lines behind a hunk, and hunks that the parser took for comments."""
    after_hunk = False
    for number, line in enumerate(lines, 1):
        if number in inside:
            after_hunk = True
            continue
        if line.startswith("@@"):
            raise invalid_diff(number, "a hunk header cannot be read; combined diffs of merges are not supported")
        if line.startswith("\\"):
            continue  # "\ No newline at end of file" belongs to the hunk
        following = lines[number] if number < len(lines) else ""
        header = line.startswith("--- ") and following.startswith("+++ ")
        signature = line.rstrip() == "--"  # of a mailed patch
        if after_hunk and line[0] in "+- " and not (header or signature):
            raise invalid_diff(number, "the hunk has more lines than its header says")
        after_hunk = False

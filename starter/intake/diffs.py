"""What a unified diff says: which lines of which files are new, and what went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.source import LineRange
from starter.intake.diff_syntax import NULL, first_line, invalid_diff, names_of, parse_strictly, split_lines
from starter.intake.limits import MAX_DIFF_BYTES, MAX_DIFF_LINES, diff_too_large

if TYPE_CHECKING:
    from unidiff.patch import Hunk, PatchedFile


@dataclass(slots=True)
class FileDiff:
    """What a diff says about one file."""

    path: str
    """Name on the new side; on the old side when the file is deleted."""
    line: int
    """Line of the diff where the file's section starts."""
    is_new: bool
    is_deleted: bool
    is_binary: bool
    is_special: bool
    """A link or a submodule."""
    added: dict[int, str] = field(default_factory=dict[int, str])
    """Added lines by their number on the new side, without line end."""
    context: dict[int, str] = field(default_factory=dict[int, str])
    """Unchanged lines that the diff shows, by their number on the new side."""
    removed: list[str] = field(default_factory=list[str])
    deleted_before: list[int] = field(default_factory=list[int])
    """Lines of the new side before which something was deleted and nothing added."""
    ends_without_newline: bool = False

    @property
    def has_text(self) -> bool:
        """Whether lines of a regular text file on the new side change."""
        return not (self.is_deleted or self.is_binary or self.is_special) and bool(self.added or self.deleted_before)

    def changed(self, lines: int) -> tuple[LineRange, ...]:
        """Changed lines of a new side with that many lines; a deletion counts as a change of the line after it."""
        touched = {*self.added, *(min(number, lines) for number in self.deleted_before)}
        return ranges_of(number for number in touched if 1 <= number <= lines)

    def read(self, hunk: Hunk, number: int) -> None:
        """Sort in a hunk whose first line on the new side has that number."""
        removed = added = on_new_side = False
        for line in hunk:
            text = line.value.removesuffix("\n")
            if line.is_removed:
                self.removed.append(text)
                removed, on_new_side = True, False
            elif line.is_added:
                self.added[number] = text
                number, added, on_new_side = number + 1, True, True
            elif line.is_context:
                if removed and not added:
                    self.deleted_before.append(number)
                self.context[number] = text
                number, removed, added, on_new_side = number + 1, False, False, True
            elif line.line_type == "\\":
                self.ends_without_newline = on_new_side
        if removed and not added:
            self.deleted_before.append(number)


def ranges_of(numbers: Iterable[int]) -> tuple[LineRange, ...]:
    """The fewest ranges that hold exactly these line numbers."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return tuple(LineRange(start=start, end=end) for start, end in ranges)


def parse_diff(text: str) -> tuple[FileDiff, ...]:
    """Parse a unified diff.

    Raises:
        InvalidInput: `invalid_diff` with the line number when it is malformed, `diff_too_large` when it is too long.
    """
    if len(text) > MAX_DIFF_BYTES or len(text.encode(errors="replace")) > MAX_DIFF_BYTES:
        raise diff_too_large()
    if text.count("\n") > MAX_DIFF_LINES:
        raise diff_too_large()
    lines = split_lines(text)
    files = tuple(_file_diff(file, lines) for file in parse_strictly(lines))
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            raise invalid_diff(file.line, "this file was named before; send one combined diff")
        seen.add(file.path)
    return files


def without_files(text: str, files: Sequence[FileDiff], dropped: Set[str]) -> str:
    """The diff without the sections of some of its files."""
    if not dropped:
        return text
    lines = text.split("\n")
    starts = [*(file.line - 1 for file in files), len(lines)]
    kept = lines[: starts[0]]
    for file, start, end in zip(files, starts[:-1], starts[1:], strict=True):
        if file.path not in dropped:
            kept += lines[start:end]
    return "\n".join(kept)


def _file_diff(file: PatchedFile, lines: list[str]) -> FileDiff:
    source, target = names_of(file)
    result = FileDiff(
        path=source if target == NULL else target,
        line=first_line(file, lines),
        # Not what the parser concludes from the hunks: a diff without context has such hunks in old files, too.
        is_new=source == NULL,
        is_deleted=target == NULL,
        is_binary=file.is_binary_file,
        is_special=file.is_symlink or file.is_submodule,
    )
    last = 0
    for hunk in file:
        # Without a line on the new side, the header names the line before.
        first = hunk.target_start + (hunk.target_length == 0)
        if first <= last or not first:
            raise invalid_diff(result.line, "the hunks of this file are not in ascending order")
        last = first + hunk.target_length - 1
        result.read(hunk, first)
    return result

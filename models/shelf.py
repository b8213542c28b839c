"""Lines of code gathered up to a number of tokens."""

from collections.abc import Iterable, Mapping, Sequence

from models.listing import changed_lines, heading, numbered
from models.source import LineRange, SourceFile
from models.spans import Span
from models.tokens import estimated_tokens

LEAST_LINES = 5
"""Fewer leading lines of a file than this are not worth showing."""
KNOWN_GAP = 3
"""Lines apart up to which known lines of a fragment are one piece."""
LEAST_TOKENS = 3
"""What a line takes at least: its number, the bar and the line end."""


class Shelf:
    """Lines taken so far, and the tokens that are left.

    What is taken, listed under as many headings as it needs, is never more than the budget: lines are taken in one
    piece, and a piece adds one heading at most to those that are there.
    """

    def __init__(self, lines: Mapping[str, Sequence[str]], budget: int) -> None:
        self._lines = lines
        self._left = budget
        self._marked: dict[str, frozenset[int]] = {}
        self._headings: dict[str, int] = {}
        self.taken: dict[str, set[int]] = {}
        """Numbers of the lines taken, by path."""

    def text(self, file: SourceFile) -> Sequence[str]:
        """Lines of a file."""
        return self._lines[file.path]

    def marked(self, file: SourceFile) -> frozenset[int]:
        """Numbers of the lines that a change touches."""
        if file.path not in self._marked:
            self._marked[file.path] = changed_lines(file.changed, len(self.text(file)))
        return self._marked[file.path]

    def limit(self, tokens: int) -> None:
        """Take at most this much more."""
        self._left = min(self._left, tokens)

    def take_all(self, files: Sequence[SourceFile]) -> bool:
        """All known lines of all these files, or nothing."""
        before = self._left
        fits = sum(len(self.text(file)) for file in files if not file.fragment) * LEAST_TOKENS <= before
        if fits and all(self.take(file, *part) for file in files for part in self.known(file)):
            return True
        self.taken, self._left = {}, before
        return False

    def take_known(self, file: SourceFile) -> None:
        """All known lines of a file, or as many of the first as fit."""
        for start, end in self.known(file):
            if not self.take(file, start, end):
                self.take_leading(file, start, end)

    def take(self, file: SourceFile, start: int, end: int) -> bool:
        """Lines `start` to `end`, cut to the file; whether there was room for all of them."""
        have = self.taken.get(file.path, set())
        total = len(self.text(file))
        new = [number for number in range(max(1, start), min(end, total) + 1) if number not in have]
        if not new:
            return True
        head = self._heading(file)
        if head + len(new) * LEAST_TOKENS > self._left:
            return False
        cost = head + sum(self._cost(file, number) for number in new)
        if cost > self._left:
            return False
        self._add(file, new, cost)
        return True

    def take_leading(self, file: SourceFile, start: int, end: int) -> None:
        """The first lines of a range, as many as fit."""
        have = self.taken.get(file.path, set())
        new: list[int] = []
        cost = self._heading(file)
        for number in range(start, min(end, len(self.text(file))) + 1):
            if number in have:
                continue
            more = self._cost(file, number)
            if cost + more > self._left:
                break
            new.append(number)
            cost += more
        if len(new) >= LEAST_LINES:
            self._add(file, new, cost)

    def _add(self, file: SourceFile, new: Sequence[int], cost: int) -> None:
        self.taken.setdefault(file.path, set()).update(new)
        self._left -= cost

    def _heading(self, file: SourceFile) -> int:
        """A heading's cost, no less than that of any part of the file: its numbers are no longer than the last."""
        if file.path not in self._headings:
            total = len(self.text(file))
            self._headings[file.path] = estimated_tokens(heading(file.path, total, total, total))
        return self._headings[file.path]

    def _cost(self, file: SourceFile, number: int) -> int:
        return estimated_tokens(numbered(number, self.text(file)[number - 1], number in self.marked(file)))

    def known(self, file: SourceFile) -> list[Span]:
        """Lines of a file whose text is known: all but what a diff did not show."""
        text = self.text(file)
        return _filled(text) if file.fragment else [(1, len(text))]


def _filled(text: Sequence[str]) -> list[Span]:
    """Runs of lines of a fragment that are known: what a diff did not show is empty."""
    runs: list[Span] = []
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        if runs and number - runs[-1][1] <= KNOWN_GAP:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def runs(numbers: Iterable[int]) -> tuple[LineRange, ...]:
    """Numbers as ranges without gaps."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return tuple(LineRange(start=start, end=end) for start, end in found)

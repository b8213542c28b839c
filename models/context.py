"""What of a source a model is shown when not everything fits, and what is left out: never silently."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.consensus import strength
from models.expert import ExpertFinding, ExpertName
from models.listing import MAX_SHOWN, changed_lines, heading, numbered
from models.meta import GENERATED_PATH, TEST_PATH
from models.shelf import Shelf, runs
from models.source import Language, LineRange, SourceFile, SourceManifest
from models.spans import Span, enclosing_spans, innermost

NEAR = 3
"""Lines before and after a changed line that are shown before anything else."""
WINDOWS = (20, 10, 5)
"""Lines before and after a line whose definition is unknown, very long, or does not fit."""
LONG_DEFINITION = 200
"""Lines of a definition that is shown whole."""
OUTSIDE_TOKENS = 8_000
"""Most that a change is given of files it does not touch: models find less, not more, with much context."""

_MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py", "package.json", "pom.xml", "build.gradle", "Cargo.toml")
_DOCUMENTS = (".md", ".rst", ".txt", ".adoc")


class OmitReason(StrEnum):
    """Why a model was not shown something."""

    NO_ROOM = "no_room"
    LONG_LINE = "long_line"
    """Only the beginning of these lines was shown."""
    OUTSIDE_CHANGE = "outside_change"
    """Not under review, and nothing under review calls for it."""


@dataclass(frozen=True, slots=True)
class ContextPart:
    """Lines `start` to `end` of a file, shown one after another."""

    path: str
    start: int
    end: int
    total: int
    """Lines of the file."""
    changed: tuple[LineRange, ...] | None
    """Lines of the change under review; None where everything is under review."""


@dataclass(frozen=True, slots=True)
class Omitted:
    """Lines of a file that are not shown."""

    path: str
    ranges: tuple[LineRange, ...]
    whole: bool
    """Nothing of the file is shown."""
    reason: OmitReason


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """What is shown and what is not."""

    parts: tuple[ContextPart, ...]
    """By path, then line."""
    omitted: tuple[Omitted, ...]
    unseen: tuple[str, ...]
    """Files with lines under review that are not shown whole."""

    @property
    def shown(self) -> dict[str, tuple[LineRange, ...]]:
        """Lines shown, by path."""
        found: dict[str, list[LineRange]] = {}
        for part in self.parts:
            found.setdefault(part.path, []).append(LineRange(start=part.start, end=part.end))
        return {path: tuple(ranges) for path, ranges in found.items()}


def render_context(plan: ContextPlan, lines: Mapping[str, Sequence[str]]) -> str:
    """The listing of a plan: each part under a heading, each line with its number."""
    shown: list[str] = []
    for part in plan.parts:
        text = lines[part.path]
        marked = changed_lines(part.changed, part.total)
        shown.append(heading(part.path, part.start, part.end, part.total))
        shown += (numbered(number, text[number - 1], number in marked) for number in range(part.start, part.end + 1))
    return "".join(shown)


def plan_context(
    manifest: SourceManifest,
    lines: Mapping[str, Sequence[str]],
    budget_tokens: int,
    expert: ExpertName,
    focus_findings: Iterable[ExpertFinding] = (),
    enclosing: Mapping[str, Sequence[Span]] | None = None,
) -> ContextPlan:
    """Choose what a model sees of a source.

    Everything under review where it fits. Otherwise, of a change: the changed lines, then the definitions around them,
    then those around findings, then the rest of the changed files, the smallest first; of anything else the definitions
    around findings, strongest first, then files by the expert's interest and by size. Of files outside a change at most
    `OUTSIDE_TOKENS` are added. The same input gives the same plan.

    Args:
        manifest: the source.
        lines: text lines by path.
        budget_tokens: `estimated_tokens(render_context(...))` is never more than this.
        expert: who asks; decides which files come first.
        focus_findings: what static analysis or earlier experts found.
        enclosing: first and last lines of definitions by path; None: found by `models.spans` where needed.
    """
    files = sorted(manifest.files, key=lambda file: (_rank(expert, file), file.size, file.path))
    files = [file for file in files if lines.get(file.path)]
    reviewed = [file for file in files if file.changed is None or file.changed]
    shelf = Shelf(lines, budget_tokens)
    findings = sorted(focus_findings, key=strength)
    spans = _Spans(lines, enclosing)
    if not shelf.take_all(reviewed):
        _take_changes(shelf, reviewed, spans)
        _take_focus(shelf, reviewed, findings, spans)
        for file in reviewed:
            shelf.take_known(file)
    outside = [file for file in files if file.changed is not None and not file.changed]
    shelf.limit(OUTSIDE_TOKENS)
    _take_focus(shelf, outside, findings, spans)
    for file in outside:
        shelf.take(file, 1, len(lines[file.path]))
    return _plan(shelf, sorted(files, key=lambda file: file.path))


def _rank(expert: ExpertName, file: SourceFile) -> int:
    """0 for files that an expert wants to see first."""
    name = file.path.rsplit("/", 1)[-1]
    if GENERATED_PATH.search(file.path):
        return 4
    if expert is ExpertName.DEPENDENCY and name in _MANIFESTS:
        return 0
    if file.language is Language.OTHER:
        return 2 if expert is ExpertName.DOCUMENTATION and name.lower().endswith(_DOCUMENTS) else 3
    return 2 if TEST_PATH.search(file.path) and expert is not ExpertName.TEST else 1


def _take_changes(shelf: Shelf, reviewed: Sequence[SourceFile], spans: "_Spans") -> None:
    changes = sorted(
        ((file, part) for file in reviewed for part in file.changed or ()),
        key=lambda each: (each[1].end - each[1].start, each[0].path, each[1].start),
    )
    for file, part in changes:
        if not shelf.take(file, part.start - NEAR, part.end + NEAR):
            shelf.take_leading(file, part.start, part.end)
    for file, part in changes:
        for line in (part.start, part.end):
            _take_around(shelf, file, line, spans)


def _take_focus(shelf: Shelf, files: Sequence[SourceFile], findings: Sequence[ExpertFinding], spans: "_Spans") -> None:
    by_path = {file.path: file for file in files}
    for finding in findings:
        file = by_path.get(finding.path)
        if file is not None:
            _take_around(shelf, file, finding.line_start, spans)


def _take_around(shelf: Shelf, file: SourceFile, line: int, spans: "_Spans") -> None:
    """The definition that holds a line, or as much around the line as there is room for."""
    for span in (spans.around(file, line), *((line - near, line + near) for near in WINDOWS)):
        if shelf.take(file, *span):
            return


class _Spans:
    """Definitions by path, looked for once per file and only where asked for."""

    def __init__(self, lines: Mapping[str, Sequence[str]], given: Mapping[str, Sequence[Span]] | None) -> None:
        self._lines = lines
        self._given = given
        self._found: dict[str, list[Span | None]] = {}

    def around(self, file: SourceFile, line: int) -> Span:
        """The definition that holds a line, or a window of lines where none is known or it is very long."""
        if file.path not in self._found:
            text = self._lines[file.path]
            spans = enclosing_spans(file.language, text) if self._given is None else self._given.get(file.path, ())
            self._found[file.path] = innermost(spans, len(text))
        found = self._found[file.path]
        span = found[line] if 0 < line < len(found) else None
        if span is None or span[1] - span[0] >= LONG_DEFINITION:
            return line - WINDOWS[0], line + WINDOWS[0]
        return span


def _plan(shelf: Shelf, files: Sequence[SourceFile]) -> ContextPlan:
    parts: list[ContextPart] = []
    omitted: list[Omitted] = []
    unseen: list[str] = []
    for file in files:
        text = shelf.text(file)
        taken = shelf.taken.get(file.path, set())
        known = [n for start, end in shelf.known(file) for n in range(start, end + 1)]
        missing = [number for number in known if number not in taken]
        clipped = [number for number in taken if len(text[number - 1]) > MAX_SHOWN]
        parts += [ContextPart(file.path, run.start, run.end, len(text), file.changed) for run in runs(taken)]
        if missing:
            reason = OmitReason.OUTSIDE_CHANGE if file.changed == () else OmitReason.NO_ROOM
            omitted.append(Omitted(file.path, runs(missing), not taken, reason))
        if clipped:
            omitted.append(Omitted(file.path, runs(clipped), False, OmitReason.LONG_LINE))
        if any(file.changed is None or number in shelf.marked(file) for number in (*missing, *clipped)):
            unseen.append(file.path)
    return ContextPlan(tuple(parts), tuple(omitted), tuple(unseen))

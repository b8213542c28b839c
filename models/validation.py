"""Validation of findings by code: nothing is shown whose place does not exist or whose quote is not there."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from models.consensus import strength
from models.expert import ExpertFinding
from models.fingerprint import normalised
from models.source import SourceManifest
from models.text import clean, clean_code

CONTEXT_LINES = 2
"""Lines of code shown before and after a finding's first line."""
EXCERPT_LINES = 12
"""Longest excerpt."""


class Drop(StrEnum):
    """Why a finding is dropped and counted."""

    UNKNOWN_PATH = "unknown_path"
    LINE_OUT_OF_RANGE = "line_out_of_range"
    QUOTE_NOT_FOUND = "quote_not_found"
    EMPTY_MESSAGE = "empty_message"
    DUPLICATE = "duplicate"


def checked(finding: ExpertFinding, lines: Mapping[str, Sequence[str]]) -> ExpertFinding | Drop:
    """One finding with cleaned text, or the reason to drop it.

    A quote must be the text of its line up to white space; an empty quote is filled in from the line.

    Args:
        finding: what an expert says.
        lines: text lines of every file of the source, by path.
    """
    content = lines.get(finding.path)
    if content is None:
        return Drop.UNKNOWN_PATH
    if finding.line_start > max(len(content), 1):
        return Drop.LINE_OUT_OF_RANGE
    line = content[finding.line_start - 1] if content else ""
    shown = clean_code(line.strip(), 400)
    # As it is, or as it was shown: what passed once passes again.
    if finding.quote and not any(normalised(finding.quote) in normalised(text) for text in (line, shown)):
        return Drop.QUOTE_NOT_FOUND
    message = clean(finding.message, 500)
    if not message:
        return Drop.EMPTY_MESSAGE
    return finding.model_copy(
        update={
            "line_end": min(finding.line_end, max(len(content), 1)),
            "message": message,
            "recommendation": clean(finding.recommendation, 1000),
            "quote": shown,
        }
    )


def validated(
    findings: Iterable[ExpertFinding], lines: Mapping[str, Sequence[str]]
) -> tuple[tuple[ExpertFinding, ...], dict[str, int]]:
    """Findings that pass, strongest first, and the rest counted by reason."""
    kept: dict[tuple[object, ...], ExpertFinding] = {}
    dropped: Counter[str] = Counter()
    for finding in sorted(findings, key=strength):
        result = checked(finding, lines)
        if isinstance(result, Drop):
            dropped[result] += 1
            continue
        key = (result.expert, result.tool, result.rule, result.kind, result.path, result.lines, result.message)
        if key in kept:
            dropped[Drop.DUPLICATE] += 1
        kept.setdefault(key, result)
    return tuple(kept.values()), dict(dropped)


def touches_change(finding: ExpertFinding, manifest: SourceManifest) -> bool:
    """Whether a finding is on a line under review, or a place that takes part in it is.

    Everything is under review unless the source is a change.
    """
    if not manifest.is_change:
        return True
    changed = {file.path: file.changed or () for file in manifest.files}
    places = [(finding.path, finding.line_start, finding.line_end)]
    places += [(place.path, place.line_start, place.line_end) for place in finding.related]
    return any(
        lines.start <= end and start <= lines.end for path, start, end in places for lines in changed.get(path, ())
    )


def excerpt(text: Sequence[str], start: int, end: int) -> tuple[int, tuple[str, ...]]:
    """Lines of code around a place, cleaned for showing.

    Returns:
        Number of the first line (from 1) and the lines.
    """
    first = max(start - CONTEXT_LINES, 1)
    last = min(end + CONTEXT_LINES, first + EXCERPT_LINES - 1, len(text))
    return first, tuple(clean_code(line, 400) for line in text[first - 1 : last])

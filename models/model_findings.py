"""From a model's answer to findings: what cannot be verified by code is dropped and counted, never shown.

Nothing in an answer can do more than add a finding at a place that exists, was shown and is quoted. It cannot name a
tool, another expert, or a finding of somebody else.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.answer import AnswerInvalid, SaidFinding, said_answer
from models.consensus import strength
from models.expert import ExpertFinding, ExpertName
from models.fingerprint import normalised
from models.listing import CLIPPED, shown_line
from models.model_kinds import cwe_of, kind_of_type, usual_cwe
from models.review import MAX_REPORTED
from models.source import LineRange
from models.text import clean
from models.validation import Drop, checked

__all__ = ["AnswerInvalid", "ModelDrop", "ParsedAnswer", "findings_of"]

TOOL = "model"
MAX_EXAMINED = 100
"""Findings of one answer that are looked at; asked for are 15."""
DRIFT = 3
"""Lines that a range may be off when its quote stands only once near it."""
LONGEST = 100
"""Lines of a finding, from its quoted line on: more would overlap with half of what others say of the file."""
SEARCHED = 400
"""Lines of a range in which its quote is looked for."""
PART = 8
"""Characters other than blanks from which on a part of a line counts as a quote of it."""
CLEAN_CONFIDENCE = 0.5
"""Confidence in an answer that says there is nothing: above the threshold of backtracking, below a proven finding."""

_NUMBERED = re.compile(r"\s*[0-9]{1,7}[|+](.*)")


class ModelDrop(StrEnum):
    """Why a model's finding is dropped, besides what `models.validation` drops."""

    NOT_SHOWN = "not_shown"
    """It is about lines that the model was not shown: it cannot know."""
    CONFIDENCE_OUT_OF_RANGE = "confidence_out_of_range"
    OVER_LIMIT = "over_limit"
    """Beyond the 15 most severe and most confident ones."""


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """A model's answer after verification."""

    findings: tuple[ExpertFinding, ...]
    """Strongest first, at most 15."""
    dropped: dict[str, int]
    """The rest, counted by reason."""
    confidence: float
    """Mean of the findings' confidence, in which one that could not be verified counts as 0; `CLEAN_CONFIDENCE` for an
    answer without any."""
    summary: str
    """One clean line; may be empty."""


def findings_of(
    expert: ExpertName,
    answer_text: str,
    lines: Mapping[str, Sequence[str]],
    prompt_version: str,
    shown: Mapping[str, Sequence[LineRange]],
) -> ParsedAnswer:
    """Read and verify an answer.

    Args:
        expert: who asked.
        answer_text: what the provider sent.
        lines: text lines of every file of the source, by path.
        prompt_version: of the prompt that was answered; becomes part of the rule's name.
        shown: lines that the prompt showed, by path (`ContextPlan.shown`).

    Raises:
        AnswerInvalid: it is not by the schema.
    """
    said = said_answer(answer_text)
    dropped: Counter[str] = Counter()
    verified: list[ExpertFinding] = []
    for each in said.findings[:MAX_EXAMINED]:
        found = _verified(expert, each, lines, prompt_version, shown)
        if isinstance(found, ExpertFinding):
            verified.append(found)
        else:
            dropped[found] += 1
    trust = [finding.confidence for finding in verified] + [0.0] * dropped.total()
    kept = _without_repeats(sorted(verified, key=strength))
    dropped[Drop.DUPLICATE] += len(verified) - len(kept)
    beyond = max(0, len(kept) - MAX_REPORTED) + max(0, len(said.findings) - MAX_EXAMINED)
    dropped[ModelDrop.OVER_LIMIT] += beyond
    return ParsedAnswer(
        findings=tuple(kept[:MAX_REPORTED]),
        dropped={str(reason): count for reason, count in sorted(dropped.items()) if count},
        confidence=round(sum(trust) / len(trust), 4) if trust else CLEAN_CONFIDENCE,
        summary=clean(said.summary, 500),
    )


def _without_repeats(findings: Sequence[ExpertFinding]) -> list[ExpertFinding]:
    """The first finding of each kind at each line."""
    first: dict[tuple[str, int, str], ExpertFinding] = {}
    for finding in findings:
        first.setdefault((finding.path, finding.line_start, finding.kind), finding)
    return list(first.values())


def _verified(
    expert: ExpertName,
    said: SaidFinding,
    lines: Mapping[str, Sequence[str]],
    version: str,
    shown: Mapping[str, Sequence[LineRange]],
) -> ExpertFinding | Drop | ModelDrop:
    path = said.path.removeprefix("./")
    text = lines.get(path)
    if text is None:
        return Drop.UNKNOWN_PATH
    if not 0 <= said.confidence <= 1:
        return ModelDrop.CONFIDENCE_OUT_OF_RANGE
    place = _place(said.line_range, len(text))
    if place is None:
        return Drop.LINE_OUT_OF_RANGE
    line = _quoted_line(said.quote, text, *place)
    if line is None:
        return Drop.QUOTE_NOT_FOUND
    if not any(part.start <= line <= part.end for part in shown.get(path, ())):
        return ModelDrop.NOT_SHOWN
    message = clean(said.description, 500)
    if not message:
        return Drop.EMPTY_MESSAGE
    cwe = cwe_of(said.cwe)
    kind = kind_of_type(said.type, cwe)
    moved = line - place[0] if not place[0] <= line <= place[1] else 0
    finding = ExpertFinding(
        expert=expert,
        tool=TOOL,
        rule=f"{TOOL}/{version}/{kind}",
        kind=kind,
        cwe=cwe or usual_cwe(kind),
        severity=said.severity,
        confidence=said.confidence,
        path=path,
        line_start=line,
        line_end=min(max(line, place[1] + moved), line + LONGEST - 1, len(text)),
        message=message,
        recommendation=clean(said.recommendation, 1000),
    )
    return _repeatable(checked(finding, lines), lines)


def _repeatable(found: ExpertFinding | Drop, lines: Mapping[str, Sequence[str]]) -> ExpertFinding | Drop:
    """A finding that passes the check again: a cleaned or cut quote is no longer the text of its line."""
    if isinstance(found, ExpertFinding) and isinstance(checked(found, lines), Drop):
        return found.model_copy(update={"quote": ""})
    return found


def _place(said: Sequence[int], total: int) -> tuple[int, int] | None:
    """First and last line of a range that exists in the file; an end that is a little too far is cut."""
    if len(said) != 2 or not 1 <= said[0] <= said[1] or said[0] > total or said[1] > total + DRIFT:
        return None
    return said[0], min(said[1], total)


def _quoted_line(quote: str, text: Sequence[str], start: int, end: int) -> int | None:
    """The line that a quote is from: in the range, or the only one near it; None when it is not there."""
    wanted = [*_readings(quote)]
    inside = range(start, min(end, start + SEARCHED - 1) + 1)
    exact = (number for number in inside if _match(wanted, text[number - 1], whole=True))
    within = (number for number in inside if _match(wanted, text[number - 1], whole=False))
    found = next(exact, None) or next(within, None)
    if found is not None:
        return found
    around = (*range(max(1, start - DRIFT), start), *range(end + 1, min(end + DRIFT, len(text)) + 1))
    near = [number for number in around if _match(wanted, text[number - 1], whole=False)]
    return near[0] if len(near) == 1 else None


def _readings(quote: str) -> Iterator[str]:
    """What a quote may mean: its first line that is not blank, as it is or without the number of the listing."""
    first = next((line for line in quote[:2_000].split("\n") if line.strip()), "")
    for line in (first, *_NUMBERED.findall(first)):
        part = normalised(line.partition(CLIPPED)[0])
        if part:
            yield part


def _match(wanted: Sequence[str], line: str, *, whole: bool) -> bool:
    """Whether a line is what is wanted, or holds it; as it is written or as it was shown."""
    if not wanted:
        return False
    for text in {normalised(line), normalised(shown_line(line))}:
        for each in wanted:
            if each == text or (not whole and len(each.replace(" ", "")) >= PART and each in text):
                return True
    return False

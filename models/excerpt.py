"""Code around a finding as numbered lines, the same in every output that people read."""

from dataclasses import dataclass

from models.review import PanelFinding
from models.text import clean_code


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of an excerpt."""

    number: int
    text: str
    flagged: bool
    """Whether the finding is about this line."""


def code_lines(finding: PanelFinding, width: int) -> tuple[CodeLine, ...]:
    """The excerpt, or the quoted line when there is none, without blank lines around the finding's own.

    Args:
        finding: What to show the code of.
        width: Characters of one line; a longer one ends in an ellipsis.
    """
    lines = finding.excerpt or ((finding.quote,) if clean_code(finding.quote, width) else ())
    first = finding.excerpt_start if finding.excerpt else finding.line_start
    shown = [
        CodeLine(number, clean_code(line, width), finding.line_start <= number <= finding.line_end)
        for number, line in enumerate(lines, start=first)
    ]
    telling = [index for index, line in enumerate(shown) if line.flagged or line.text.strip()]
    return tuple(shown[telling[0] : telling[-1] + 1]) if telling else ()

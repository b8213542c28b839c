"""Which finding may stand for which label: the rules, pair by pair. Who is paired with whom is `activities.stats`.

A finding counts only inside what its sample was checked for. There it may match a label that names the same weakness
(the same CWE or one of its family, the same kind, or a rule that looks for it) on the same lines, give or take.
"""

from dataclasses import dataclass

from models.dataset import Label, Scope
from models.expert import ExpertName
from models.review import PanelFinding
from models.source import LineRange
from models.weakness_families import cwe_matches, rule_matches

LINE_TOLERANCE = 2
"""Lines that may lie between a finding and the label it matches.

Tools anchor one issue at different lines of a statement that is broken over several, or at a value and at the call
that it goes into next. Two lines hold that; more would score findings that point to another statement as right.
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a finding says, as far as labels go."""

    kind: str
    cwe: str | None
    rules: frozenset[str]
    """Of every tool that saw it."""
    experts: frozenset[ExpertName]
    """That saw it."""
    lines: LineRange

    @property
    def order(self) -> tuple[object, ...]:
        """Sort key, so that equal claims in another order are paired alike."""
        return (self.lines.start, self.lines.end, self.kind, self.cwe or "", sorted(self.rules), sorted(self.experts))


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a claim fits a label that it may match."""

    exact: bool
    """They share a line."""
    closeness: float
    """0 to 1: half for the same words, half for the share of lines in common (intersection over union)."""


def claim_of(finding: PanelFinding) -> Claim | None:
    """What a reported finding claims; None if only meta says it: that is about the review, not about the code."""
    experts = frozenset(sighting.expert for sighting in finding.sightings)
    if not experts - {ExpertName.META}:
        return None
    rules = frozenset(sighting.rule for sighting in finding.sightings)
    return Claim(finding.kind, finding.cwe, rules, experts, finding.lines)


def in_scope(claim: Claim, scope: Scope) -> bool:
    """Whether a claim says something that the sample was checked for; anything else is neither right nor wrong."""
    if scope.open:
        return True
    return any(cwe_matches(claim.cwe, cwe) for cwe in scope.cwes) or any(_answers(claim, rule) for rule in scope.rules)


def fit(claim: Claim, label: Label, tolerance: int = LINE_TOLERANCE) -> Fit | None:
    """How well a claim fits a label; None if it cannot be about the same issue."""
    if not _same_weakness(claim, label) or not claim.lines.overlaps(_lines(label), tolerance):
        return None
    same_words = claim.kind == _slug(label) if label.cwe is None else claim.cwe == label.cwe
    return Fit(claim.lines.overlaps(_lines(label)), (same_words + _common(claim.lines, _lines(label))) / 2)


def _same_weakness(claim: Claim, label: Label) -> bool:
    if label.cwe is not None and cwe_matches(claim.cwe, label.cwe):
        return True
    return claim.kind == _slug(label) or (label.rule is not None and _answers(claim, label.rule))


def _answers(claim: Claim, rule: str) -> bool:
    return any(rule_matches(each, claim.kind, rule) for each in claim.rules)


def _slug(label: Label) -> str:
    return label.type.rsplit("/", 1)[-1]


def _lines(label: Label) -> LineRange:
    return LineRange(start=label.line_start, end=label.line_end)


def _common(one: LineRange, other: LineRange) -> float:
    shared = min(one.end, other.end) - max(one.start, other.start) + 1
    return max(shared, 0) / (max(one.end, other.end) - min(one.start, other.start) + 1)

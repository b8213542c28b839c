"""What a trial shows: each live review beside the candidate's of the same source, and all of them added up."""

from dataclasses import dataclass

from pydantic import Field

from models.expert import Severity
from models.gate_facts import cost_increase
from models.review import ExpertStatus, ReviewReport
from models.wire import Wire

VERDICT_SEVERITY = Severity.HIGH
"""Two reports agree when both, or neither, have anything at or above it: what would hold a change back."""


@dataclass(frozen=True, slots=True)
class Half:
    """One of the two reviews of a pair, over."""

    report: ReviewReport | None
    """None: it failed."""
    seconds: float = 0.0
    """From its first expert's begin to its end."""
    unasked: bool = False
    """Models were wanted of it and nobody could be asked."""


class Side(Wire):
    """What a pair's numbers say of one of its reviews."""

    failed: bool
    degraded: bool
    """A model that was wanted gave nothing: out of money, or nobody answered."""
    findings: int = Field(default=0, ge=0)
    """That are shown: the first `MAX_REPORTED`."""
    cost_micro_usd: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0)


class Comparison(Wire):
    """A live review beside the candidate's of the same source."""

    stable: Side
    candidate: Side
    whole: bool
    """Neither failed nor was degraded; only then do findings, cost and time say anything about the configurations."""
    common: int = Field(default=0, ge=0)
    """Findings that both show, by their fingerprints."""
    agrees: bool = False
    """The same verdict at `VERDICT_SEVERITY`."""


def compare(stable: Half, candidate: Half) -> Comparison:
    """The numbers of a pair."""
    one, other = _side(stable), _side(candidate)
    whole = not (one.failed or other.failed or one.degraded or other.degraded)
    if stable.report is None or candidate.report is None:
        return Comparison(stable=one, candidate=other, whole=whole)
    reaches = {half.reaches(VERDICT_SEVERITY) for half in (stable.report, candidate.report)}
    common = _fingerprints(stable.report) & _fingerprints(candidate.report)
    return Comparison(stable=one, candidate=other, whole=whole, common=len(common), agrees=len(reaches) == 1)


def _side(half: Half) -> Side:
    report, seconds = half.report, max(half.seconds, 0.0)
    if report is None:
        return Side(failed=True, degraded=False, seconds=seconds)
    return Side(
        failed=any(each.status is ExpertStatus.FAILED for each in report.experts),
        degraded=half.unasked or any(each.status is ExpertStatus.DEGRADED for each in report.experts),
        findings=len(_fingerprints(report)),
        cost_micro_usd=report.cost_micro_usd,
        seconds=seconds,
    )


def _fingerprints(report: ReviewReport) -> frozenset[str]:
    return frozenset(finding.fingerprint for finding in report.findings)


class SideSums(Wire):
    """One side of a trial's pairs, added up."""

    failed: int = Field(default=0, ge=0)
    """Of all compared pairs."""
    degraded: int = Field(default=0, ge=0)
    """Of all compared pairs."""
    findings: int = Field(default=0, ge=0)
    """Of the whole pairs; so are the following."""
    cost_micro_usd: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0)


class TrialSums(Wire):
    """A trial's pairs, added up."""

    pairs: int = Field(default=0, ge=0)
    waiting: int = Field(default=0, ge=0)
    """One of the two is still under way."""
    compared: int = Field(default=0, ge=0)
    whole: int = Field(default=0, ge=0)
    common: int = Field(default=0, ge=0)
    agreed: int = Field(default=0, ge=0)
    stable: SideSums = SideSums()
    candidate: SideSums = SideSums()


class TrialReport(TrialSums):
    """What a trial shows so far. The live reviews are those of whichever version was stable then."""

    overlap: float | None = Field(default=None, ge=0, le=1)
    """F1 of one side's findings by the other's, over all whole pairs; the same both ways. None: nobody found any."""
    agreement: float | None = Field(default=None, ge=0, le=1)
    """Share of the whole pairs with the same verdict at `VERDICT_SEVERITY`."""
    stable_cost_micro_usd: int | None = None
    """Mean of a review in a whole pair; None: there is no such pair."""
    candidate_cost_micro_usd: int | None = None
    cost_increase: float | None = None
    """(candidate - stable) / stable; None where stable costs nothing and the candidate something."""
    stable_seconds: float | None = None
    candidate_seconds: float | None = None


def report_of(sums: TrialSums) -> TrialReport:
    """Shares and means of what was added up."""
    found, whole = sums.stable.findings + sums.candidate.findings, sums.whole
    added = sums.model_dump()
    if not whole:
        return TrialReport(**added)
    return TrialReport(
        **added,
        overlap=2 * sums.common / found if found else None,
        agreement=sums.agreed / whole,
        stable_cost_micro_usd=round(sums.stable.cost_micro_usd / whole),
        candidate_cost_micro_usd=round(sums.candidate.cost_micro_usd / whole),
        cost_increase=cost_increase(sums.candidate.cost_micro_usd, sums.stable.cost_micro_usd),
        stable_seconds=round(sums.stable.seconds / whole, 3),
        candidate_seconds=round(sums.candidate.seconds / whole, 3),
    )

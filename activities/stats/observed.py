"""What came of a sample, as a comparison sees it."""

from dataclasses import dataclass

from activities.experiment_ports import SampleResult
from activities.stats.matching import judged
from activities.stats.metrics import working
from models.expert import ExpertName
from models.matching import LINE_TOLERANCE, Claim, claim_of, in_scope
from models.source import Language

Pair = tuple[str, int]
"""Sample and repeat: by these, never by their places, two runs are paired."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One sample in one run."""

    sample_id: str
    repeat: int
    group: str
    """Of samples that are not independent."""
    language: Language
    cwes: tuple[str, ...]
    clean: bool
    right: bool
    false_alarm: bool
    """Clean, and with a finding in scope or not judged."""
    labels: int
    found: int
    findings: int
    """In scope; the matched ones are `found`."""
    claims: tuple[Claim, ...]
    """The findings in scope."""
    failure: str | None = None
    """Code; such a sample counts as wrong."""
    cached: bool = False
    seconds: float | None = None
    """None without a report, or where answers were not made anew."""
    cost_micro_usd: int | None = None
    tool_seconds: float = 0.0
    """Of the analysers, on the clock."""
    cpu_seconds: float = 0.0
    """Of the analysers."""
    peak_mib: float = 0.0
    """Most memory that one analyser had at once."""

    @property
    def key(self) -> Pair:
        return self.sample_id, self.repeat


def observed(result: SampleResult, repeat: int, tolerance: int = LINE_TOLERANCE) -> Observation:
    """Judge what came of a sample as `activities.stats.metrics` does."""
    sample, report = result.sample, result.report
    is_judged = bool(working(report) - {ExpertName.META})
    said = () if report is None or not is_judged else report.findings
    claims = tuple(claim for found in said if (claim := claim_of(found)) is not None and in_scope(claim, sample.scope))
    runs = [] if report is None else [run for expert in report.experts for run in expert.tools]
    worth = judged(claims, sample.labels, sample.scope, tolerance)
    is_clean = not sample.labels
    fresh = report is not None and not result.cached
    return Observation(
        sample_id=sample.sample_id,
        repeat=repeat,
        group=sample.group,
        language=sample.language,
        cwes=tuple(sorted({label.cwe for label in sample.labels if label.cwe})),
        clean=is_clean,
        right=is_judged and (not worth.findings if is_clean else worth.matched > 0),
        false_alarm=is_clean and (not is_judged or worth.findings > 0),
        labels=worth.labels,
        found=worth.matched,
        findings=worth.findings,
        claims=claims,
        failure=None if is_judged else result.failure or "no_expert_worked",
        cached=result.cached,
        seconds=result.seconds if fresh else None,
        cost_micro_usd=report.cost_micro_usd if fresh and report is not None else None,
        tool_seconds=sum(run.seconds for run in runs),
        cpu_seconds=sum(run.cpu_seconds for run in runs),
        peak_mib=max((run.peak_mib for run in runs), default=0.0),
    )

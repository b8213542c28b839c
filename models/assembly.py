"""From the experts' results to the report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from models.complexity import complexity_of
from models.config import ConsensusConfig
from models.consensus import Cluster, Verdict, cluster, consistency, decide, rate
from models.expert import CoverageEntry, CoverageReason, CoverageStatus, ExpertFinding, ExpertName, ToolRun
from models.fingerprint import fingerprints
from models.meta import rejects
from models.opinion import Opinion
from models.review import (
    MAX_REPORTED,
    ExpertStatus,
    ExpertSummary,
    LanguageShare,
    PanelFinding,
    ReviewMode,
    ReviewReport,
    Sighting,
)
from models.source import Language, SourceManifest
from models.validation import excerpt, touches_change, validated


@dataclass(frozen=True, slots=True)
class ExpertWork:
    """All that one expert delivered, and how it went."""

    expert: ExpertName
    status: ExpertStatus
    findings: tuple[ExpertFinding, ...] = ()
    coverage: tuple[CoverageEntry, ...] = ()
    tools: tuple[ToolRun, ...] = ()
    metrics: Mapping[str, float] | None = None
    opinion: Opinion | None = None
    """The accepted answer of its model."""
    seconds: float = 0.0
    attempts: int = 1
    reason: str | None = None
    spent_micro_usd: int = 0

    @property
    def all_findings(self) -> tuple[ExpertFinding, ...]:
        """Of both halves."""
        return self.findings + (self.opinion.findings if self.opinion else ())


@dataclass(frozen=True, slots=True)
class Frame:
    """What the report says beside the findings."""

    review_id: str
    mode: ReviewMode
    isolation: str
    version: str
    generated_at: datetime


def assemble(
    frame: Frame,
    manifest: SourceManifest,
    lines: Mapping[str, Sequence[str]],
    work: Sequence[ExpertWork],
    config: ConsensusConfig,
    min_confidence: float = 0.0,
) -> ReviewReport:
    """Leave out what is too unsure, validate, restrict to the change, merge, vote, rank, cap.

    Args:
        frame: what the report says beside the findings.
        manifest: the source.
        lines: text lines of every file, by path.
        work: each selected expert's work, in the panel's order.
        config: how to merge and vote.
        min_confidence: analysers' findings below it are dropped; models' have their own bound.
    """
    summaries: list[ExpertSummary] = []
    valid: list[ExpertFinding] = []
    dropped: Counter[str] = Counter()
    given, work = work, [_sure(each, min_confidence) for each in work]
    for whole, each in zip(given, work, strict=True):
        unsure = len(whole.findings) - len(each.findings)
        kept, lost = validated(each.all_findings, lines)
        lost = dict(Counter(lost) + Counter(each.opinion.dropped if each.opinion else {}))
        if unsure:
            lost["below_min_confidence"] = unsure
        dropped.update(lost)
        valid.extend(kept)
        summaries.append(_summary(each, len(kept), lost))
    inside = [finding for finding in valid if touches_change(finding, manifest)]
    clusters = cluster(inside, config.line_slack)
    coverage = tuple(entry for each in work for entry in each.coverage)
    ratings = rate(clusters, _looked_at(work), _rejections(clusters, work))
    verdicts = decide(clusters, ratings, config)
    kept_verdicts = [verdict for verdict in verdicts if verdict.kept]
    if len(verdicts) > len(kept_verdicts):
        dropped["outvoted"] += len(verdicts) - len(kept_verdicts)
    findings = _present(kept_verdicts, lines)
    return ReviewReport(
        review_id=frame.review_id,
        label=manifest.label,
        source_id=manifest.source_id,
        mode=frame.mode,
        partial=_partial(work, coverage, manifest),
        complexity=complexity_of(manifest.files),
        languages=_languages(manifest),
        findings=findings,
        totals=dict(sorted(Counter(verdict.cluster.lead.severity for verdict in kept_verdicts).items())),
        suppressed=max(len(kept_verdicts) - MAX_REPORTED, 0),
        dropped=dict(sorted(dropped.items())),
        outside_change=len(valid) - len(inside),
        experts=tuple(summaries),
        coverage=coverage,
        skipped=manifest.skipped,
        consistency=consistency(ratings),
        confidence=_mean([finding.confidence for finding in findings]),
        isolation=frame.isolation,
        cost_micro_usd=sum(each.spent_micro_usd for each in work),
        conclave_version=frame.version,
        generated_at=frame.generated_at,
    )


def _sure(each: ExpertWork, min_confidence: float) -> ExpertWork:
    """The same work without the analysers' findings that are less sure than that."""
    if min_confidence <= 0:
        return each
    return replace(each, findings=tuple(it for it in each.findings if it.confidence >= min_confidence))


def _summary(each: ExpertWork, kept: int, lost: dict[str, int]) -> ExpertSummary:
    return ExpertSummary(
        expert=each.expert,
        status=each.status,
        findings=kept,
        dropped=lost,
        seconds=round(each.seconds, 3),
        attempts=each.attempts,
        tools=each.tools,
        metrics=dict(each.metrics or {}),
        reason=each.reason,
        provider=each.opinion.provider if each.opinion else None,
        spent_micro_usd=each.spent_micro_usd,
        unseen=each.opinion.unseen if each.opinion else (),
    )


def _looked_at(work: Sequence[ExpertWork]) -> dict[ExpertName, frozenset[str]]:
    looked = {
        each.expert: frozenset(entry.path for entry in each.coverage if entry.status is CoverageStatus.ANALYSED)
        for each in work
    }
    for each in work:
        if each.all_findings:
            looked[each.expert] |= {finding.path for finding in each.all_findings}
    return looked


def _rejections(clusters: Sequence[Cluster], work: Sequence[ExpertWork]) -> dict[int, frozenset[ExpertName]]:
    """Clusters that meta rejects, when meta takes part."""
    if not any(each.expert is ExpertName.META and each.status is not ExpertStatus.FAILED for each in work):
        return {}
    meta = frozenset({ExpertName.META})
    return {index: meta for index, each in enumerate(clusters) if all(rejects(finding) for finding in each.findings)}


def _present(verdicts: Sequence[Verdict], lines: Mapping[str, Sequence[str]]) -> tuple[PanelFinding, ...]:
    """The findings to show; fingerprints are counted over all of them, so the cap renames none."""
    leads = [verdict.cluster.lead for verdict in verdicts]
    in_file_order = sorted(range(len(leads)), key=lambda i: (leads[i].path, leads[i].line_start, leads[i].line_end, i))
    names = fingerprints((leads[i].path, leads[i].kind, leads[i].quote) for i in in_file_order)
    name_of = dict(zip(in_file_order, names, strict=True))
    return tuple(
        _panel_finding(rank, name_of[rank - 1], verdict, lines)
        for rank, verdict in enumerate(verdicts[:MAX_REPORTED], start=1)
    )


def _panel_finding(rank: int, name: str, verdict: Verdict, lines: Mapping[str, Sequence[str]]) -> PanelFinding:
    lead = verdict.cluster.lead
    start, shown = excerpt(lines.get(lead.path, ()), lead.line_start, lead.line_end)
    return PanelFinding(
        rank=rank,
        fingerprint=name,
        kind=lead.kind,
        cwe=lead.cwe or next((each.cwe for each in verdict.cluster.findings if each.cwe), None),
        severity=lead.severity,
        confidence=verdict.confidence,
        path=lead.path,
        line_start=lead.line_start,
        line_end=lead.line_end,
        message=lead.message,
        recommendation=lead.recommendation
        or next((each.recommendation for each in verdict.cluster.findings if each.recommendation), ""),
        quote=lead.quote,
        excerpt=shown,
        excerpt_start=start,
        sightings=tuple(
            Sighting(expert=each.expert, tool=each.tool, rule=each.rule, confidence=each.confidence)
            for each in verdict.cluster.findings
        ),
        borda=round(verdict.borda, 4),
        support=round(verdict.support, 4),
        protected=verdict.protected,
    )


def _partial(work: Sequence[ExpertWork], coverage: Sequence[CoverageEntry], manifest: SourceManifest) -> bool:
    return (
        any(each.status is ExpertStatus.FAILED for each in work)
        or any(entry.status is CoverageStatus.FAILED for entry in coverage)
        or any(file.is_code for file in manifest.skipped)
    )


def _languages(manifest: SourceManifest) -> tuple[LanguageShare, ...]:
    files: Counter[Language] = Counter()
    total: Counter[Language] = Counter()
    for file in manifest.files:
        files[file.language] += 1
        total[file.language] += file.lines
    ranked = sorted(files, key=lambda language: (-total[language], language.value))
    return tuple(LanguageShare(language=each, files=files[each], lines=total[each]) for each in ranked)


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def not_analysed(expert: ExpertName, manifest: SourceManifest, reason: CoverageReason) -> tuple[CoverageEntry, ...]:
    """The ledger of an expert that failed as a whole."""
    return tuple(
        CoverageEntry(expert=expert, path=file.path, status=CoverageStatus.FAILED, reason=reason)
        for file in manifest.files
    )

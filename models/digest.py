"""A report in few words, the same in every output that people read: counts, the ledger in short, what was not seen."""

import re
from collections import Counter
from dataclasses import dataclass, field

from models.expert import CoverageReason, CoverageStatus, ExpertName, Severity
from models.opinion import Rejection
from models.review import PanelFinding, ReviewReport
from models.source import Language, SkipReason

REASONS: dict[str, str] = {
    CoverageReason.LANGUAGE_NOT_SUPPORTED: "no analyser for the language",
    CoverageReason.NO_INPUT: "no report, profile or manifest came with the source",
    CoverageReason.PARSE_ERROR: "could not be parsed",
    CoverageReason.CRASHED: "the analyser crashed",
    CoverageReason.TIMEOUT: "the analyser ran out of time",
    CoverageReason.MEMORY: "the analyser ran out of memory",
    CoverageReason.OUTPUT_TOO_LARGE: "the analyser wrote too much output",
    CoverageReason.OUTPUT_INVALID: "the analyser's output was not valid",
    CoverageReason.TOOL_MISSING: "the analyser is not installed",
    CoverageReason.NOT_SELECTED: "the expert was not selected",
    Rejection.PROVIDER_ERROR: "no model provider gave an answer",
    Rejection.INVALID_OUTPUT: "the model's answer could not be used",
    Rejection.LOW_CONFIDENCE: "the model was not sure enough",
    Rejection.REJECTED_BY_META: "meta rejected what the model found",
    Rejection.BUDGET_SPENT: "its share of the budget does not pay for a question",
    Rejection.QUOTA_EXCEEDED: "the quota is spent",
    Rejection.NO_PROVIDER: "no model provider is left to ask",
    "last_resort": "answered by a model of last resort",
    SkipReason.TOO_LARGE: "larger than one file may be",
    SkipReason.UNSUPPORTED_ENCODING: "not UTF-8 text",
    SkipReason.BINARY: "binary",
    SkipReason.UNSUPPORTED_ENTRY: "a link, device or submodule, not a regular file",
    SkipReason.UNREADABLE: "could not be read",
    SkipReason.UNSUPPORTED_PATH: "a path that is not supported",
    SkipReason.LIMIT_REACHED: "beyond the size limit of one source",
}

LANGUAGES: dict[Language, str] = {
    Language.PYTHON: "Python",
    Language.JAVASCRIPT: "JavaScript",
    Language.TYPESCRIPT: "TypeScript",
    Language.JAVA: "Java",
    Language.RUST: "Rust",
    Language.C: "C",
    Language.CPP: "C++",
    Language.OTHER: "Other",
}
_SEPARATORS = re.compile(r"[._-]")
_ACRONYMS = frozenset(
    ("api", "cpu", "csrf", "csv", "cwe", "html", "http", "https", "io", "jwt", "ldap", "rce", "sql", "ssl", "ssrf")
    + ("tls", "toctou", "url", "xml", "xpath", "xss", "xxe")
)


def words(slug: str) -> str:
    """A slug with blanks between its parts."""
    return " ".join(part for part in _SEPARATORS.split(slug) if part)


def why(reason: str) -> str:
    """A reason as a phrase that can stand after a colon."""
    return REASONS.get(reason) or words(reason)


def title(kind: str) -> str:
    """A kind as a heading: `sql-injection` is "SQL injection"."""
    text = " ".join(part.upper() if part in _ACRONYMS else part for part in _SEPARATORS.split(kind) if part)
    return text[:1].upper() + text[1:]


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share between 0 and 1 as a whole percentage."""
    return f"{round(share * 100)}%"


def severities(report: ReviewReport) -> tuple[tuple[Severity, int], ...]:
    """How many findings of each severity there are, shown and suppressed together, the worst first."""
    return tuple((severity, report.totals[severity]) for severity in Severity if report.totals.get(severity))


def headline(report: ReviewReport) -> str:
    """The findings in one phrase: `2 critical, 1 low`."""
    return ", ".join(f"{count:,} {severity.value}" for severity, count in severities(report)) or "no findings"


def not_shown(report: ReviewReport) -> tuple[str, ...]:
    """What was found or answered but is not in the list, one phrase each."""
    phrases: list[str] = []
    if report.suppressed:
        phrases.append(f"{counted(report.suppressed, 'finding')} beyond the first {len(report.findings)}")
    if report.outside_change:
        phrases.append(f"{counted(report.outside_change, 'finding')} on lines the change does not touch")
    if report.dropped:
        reasons = ", ".join(f"{count:,} {words(reason)}" for reason, count in sorted(report.dropped.items()))
        phrases.append(f"{counted(sum(report.dropped.values()), 'finding')} dropped ({reasons})")
    return tuple(phrases)


def models_used(report: ReviewReport) -> str | None:
    """Which models spoke for which experts, what that cost, and what they were not shown; None where none was asked."""
    by_provider: dict[str, list[str]] = {}
    for summary in report.experts:
        if summary.provider is not None:
            by_provider.setdefault(summary.provider, []).append(summary.expert.value)
    if not by_provider and not report.cost_micro_usd:
        return None
    said = [f"{provider} ({', '.join(experts)})" for provider, experts in by_provider.items()]
    parts = [", ".join(said) or "no usable answer", usd(report.cost_micro_usd)]
    unseen = {path for summary in report.experts for path in summary.unseen}
    if unseen:
        parts.append(f"{counted(len(unseen), 'file')} did not fit whole")
    return "; ".join(parts)


def usd(micro: int) -> str:
    """An amount of micro-USD in dollars, to the cent and further where there is more: `$0.50`, `$0.001234`."""
    whole, rest = divmod(micro, 1_000_000)
    return f"${whole:,}.{f'{rest:06d}'.rstrip('0').ljust(2, '0')}"


def experts_of(finding: PanelFinding) -> tuple[ExpertName, ...]:
    """The experts that saw a finding, each once, in the panel's order."""
    seen = {sighting.expert for sighting in finding.sightings}
    return tuple(expert for expert in ExpertName if expert in seen)


def place_of(finding: PanelFinding) -> str:
    """`path:line`, or `path:first-last`."""
    lines = str(finding.line_start)
    if finding.line_end > finding.line_start:
        lines += f"-{finding.line_end}"
    return f"{finding.path}:{lines}"


@dataclass(frozen=True, slots=True)
class Gap:
    """Files that nobody read, or not every tool meant for them, for one reason."""

    reason: str
    """A `SkipReason` or a `CoverageReason`."""
    experts: tuple[ExpertName, ...]
    """Experts that miss them; empty when the files are not part of the source at all."""
    tools: tuple[str, ...]
    paths: tuple[str, ...]


def gaps(report: ReviewReport) -> tuple[Gap, ...]:
    """What was not looked at although it should have been. Files no analyser is meant for are in the `ledger` alone."""
    skipped: dict[str, list[str]] = {}
    for file in report.skipped:
        skipped.setdefault(file.reason, []).append(file.path)
    missed: dict[tuple[str, str], tuple[set[ExpertName], set[str]]] = {}
    for entry in report.coverage:
        if entry.status is CoverageStatus.FAILED or entry.failed_tools:
            reason = entry.reason or CoverageReason.CRASHED
            experts, tools = missed.setdefault((entry.path, reason), (set(), set()))
            experts.add(entry.expert)
            tools.update(entry.failed_tools)
    groups: dict[tuple[str, tuple[ExpertName, ...], tuple[str, ...]], list[str]] = {}
    for (path, reason), (experts, tools) in missed.items():
        order = tuple(expert for expert in ExpertName if expert in experts)
        groups.setdefault((reason, order, tuple(sorted(tools))), []).append(path)
    found = [Gap(reason, (), (), tuple(sorted(paths))) for reason, paths in skipped.items()]
    found += [Gap(*key, tuple(sorted(paths))) for key, paths in groups.items()]
    return tuple(sorted(found, key=lambda gap: (gap.reason, gap.experts, gap.tools)))


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What became of the files in the hands of one expert."""

    expert: ExpertName
    analysed: int
    """Files read to the end by every tool meant for them."""
    partly: int
    """Files that some tools read and others could not."""
    failed: dict[str, int] = field(default_factory=dict[str, int])
    """Files not read although meant to be, by reason."""
    skipped: dict[str, int] = field(default_factory=dict[str, int])
    """Files the expert is not meant for, by reason."""


def ledger(report: ReviewReport) -> tuple[LedgerRow, ...]:
    """The coverage ledger in short, one row per expert of the review."""
    analysed: Counter[ExpertName] = Counter()
    partly: Counter[ExpertName] = Counter()
    failed: dict[ExpertName, Counter[str]] = {}
    skipped: dict[ExpertName, Counter[str]] = {}
    for entry in report.coverage:
        if entry.status is CoverageStatus.ANALYSED:
            (partly if entry.failed_tools else analysed)[entry.expert] += 1
        else:
            rows = failed if entry.status is CoverageStatus.FAILED else skipped
            rows.setdefault(entry.expert, Counter())[entry.reason or CoverageReason.CRASHED] += 1
    seen = {summary.expert for summary in report.experts} | {entry.expert for entry in report.coverage}
    return tuple(
        LedgerRow(
            expert=expert,
            analysed=analysed[expert],
            partly=partly[expert],
            failed=dict(sorted(failed.get(expert, Counter()).items())),
            skipped=dict(sorted(skipped.get(expert, Counter()).items())),
        )
        for expert in ExpertName
        if expert in seen
    )

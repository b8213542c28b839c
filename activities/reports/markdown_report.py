"""The report as Markdown, fit for a comment on a pull request."""

from collections.abc import Iterator, Sequence

from activities.reports.sarif_rules import cwe_uri
from models.digest import (
    LANGUAGES,
    counted,
    experts_of,
    gaps,
    headline,
    ledger,
    models_used,
    not_shown,
    percent,
    place_of,
    title,
    why,
    words,
)
from models.excerpt import code_lines
from models.expert import Severity
from models.review import PanelFinding, ReviewReport
from models.text import clean, code_fence, code_span, neutral_log, neutral_markdown

MAX_LENGTH = 65_000
"""Characters a comment may have on GitHub, with a little to spare: a longer report leaves its excerpts out."""
EXCERPT_WIDTH = 160
LISTED_PATHS = 20
MARKS = {
    Severity.CRITICAL: "\N{LARGE RED CIRCLE}",
    Severity.HIGH: "\N{LARGE ORANGE CIRCLE}",
    Severity.MEDIUM: "\N{LARGE YELLOW CIRCLE}",
    Severity.LOW: "\N{LARGE BLUE CIRCLE}",
}


def render(report: ReviewReport) -> str:
    """Summary, table, details, coverage, agreement. No raw HTML, no image; the only links are those to CWE entries."""
    text = _document(report, excerpts=True)
    return text if len(text) <= MAX_LENGTH else _document(report, excerpts=False)


def _document(report: ReviewReport, *, excerpts: bool) -> str:
    blocks = [*_summary(report), *_table(report)]
    for finding in report.findings:
        blocks.extend(_details(finding, excerpts=excerpts))
    if report.findings and not excerpts:
        blocks.append("_Code excerpts are left out: with them the text would be too long for a comment._")
    blocks += [*_gaps(report), *_coverage(report), *_agreement(report)]
    return neutral_log("\n\n".join(blocks)) + "\n"


def _path(text: str, *, in_table: bool = False) -> str:
    return code_span(clean(text, 300), in_table=in_table)


def _summary(report: ReviewReport) -> Iterator[str]:
    yield f"## Conclave review of {_path(report.label)}"
    files = sum(share.files for share in report.languages)
    lines = sum(share.lines for share in report.languages)
    languages = ", ".join(LANGUAGES[share.language] for share in report.languages)
    size = f"{counted(files, 'file')}, {counted(lines, 'line')}{f' ({languages})' if languages else ''}"
    state = "**Partial**: not everything was analysed, see below." if report.partial else "Complete."
    yield f"**{headline(report).capitalize()}** in {size}. {state}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rows(head: Sequence[str], ruler: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([_row(head), _row(ruler), *map(_row, rows)])


def _table(report: ReviewReport) -> Iterator[str]:
    if report.findings:
        head = ("#", "Severity", "Place", "Finding", "Confidence", "Experts")
        rows = [
            (
                str(finding.rank),
                f"{MARKS[finding.severity]} {finding.severity}",
                _path(place_of(finding), in_table=True),
                neutral_markdown(finding.message, in_table=True),
                percent(finding.confidence),
                ", ".join(experts_of(finding)),
            )
            for finding in report.findings
        ]
        yield _rows(head, ("--:", "---", "---", "---", "--:", "---"), rows)
    left_out = not_shown(report)
    if left_out:
        yield f"Not in the list: {'; '.join(left_out)}."


def _details(finding: PanelFinding, *, excerpts: bool) -> Iterator[str]:
    yield f"### {finding.rank}. {MARKS[finding.severity]} {title(finding.kind)}"
    cwe = f" [{finding.cwe}]({cwe_uri(finding.cwe)})" if finding.cwe else ""
    yield f"**{finding.severity.capitalize()}** at {_path(place_of(finding))}.{cwe}"
    yield f"**Finding:** {neutral_markdown(finding.message)}"
    lines = code_lines(finding, EXCERPT_WIDTH) if excerpts else ()
    if lines:
        width = len(str(lines[-1].number))
        # The gutter also keeps `::command` of a build server away from the start of a line.
        code = "\n".join(
            f"{'>' if line.flagged else '|'} {line.number:>{width}} | {line.text}".rstrip() for line in lines
        )
        yield code_fence(code)
    if finding.recommendation:
        yield f"**Fix:** {neutral_markdown(finding.recommendation)}"
    seen = "; ".join(
        f"{each.expert} ({code_span(each.tool)} {code_span(clean(each.rule, 120))}, {percent(each.confidence)})"
        for each in finding.sightings
    )
    kept = "; kept by the specialist lane" if finding.protected else ""
    yield f"Seen by {seen}. Support {percent(finding.support)}, Borda {finding.borda:g}{kept}."


def _gaps(report: ReviewReport) -> Iterator[str]:
    missing = gaps(report)
    if not missing:
        return
    yield "### Not analysed"
    items: list[str] = []
    for gap in missing:
        by = f" ({', '.join(gap.experts)}{': ' if gap.tools else ''}{', '.join(gap.tools)})" if gap.experts else ""
        paths = ", ".join(_path(path) for path in gap.paths[:LISTED_PATHS])
        more = f" and {len(gap.paths) - LISTED_PATHS:,} more" if len(gap.paths) > LISTED_PATHS else ""
        items.append(f"- {counted(len(gap.paths), 'file')}, {why(gap.reason)}{by}: {paths}{more}")
    yield "\n".join(items)


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} ({why(reason)})" for reason, count in counts.items()) or "0"


def _coverage(report: ReviewReport) -> Iterator[str]:
    yield "### Coverage"
    status = {summary.expert: summary for summary in report.experts}
    rows: list[Sequence[str]] = []
    for row in ledger(report):
        summary = status.get(row.expert)
        state = words(summary.status) if summary else "unknown"
        if summary and summary.reason:
            state += f" ({why(summary.reason)})"
        counts = (str(row.analysed), str(row.partly), _reasons(row.failed), _reasons(row.skipped))
        rows.append((row.expert.value, state, str(summary.findings if summary else 0), *counts))
    head = ("Expert", "Status", "Findings", "Files analysed", "Partly", "Failed", "Not meant for it")
    yield _rows(head, ("---", "---", "--:", "--:", "--:", "---", "---"), rows)


def _agreement(report: ReviewReport) -> Iterator[str]:
    yield "### Agreement"
    agreed = report.consistency
    value = "not measurable" if agreed.value is None else f"{agreed.value:.2f}"
    parts = [f"Consistency between experts: {value} ({words(agreed.method)}, {counted(agreed.units, 'place')})."]
    if report.confidence is not None:
        parts.append(f"Confidence: {percent(report.confidence)} ({words(report.confidence_method)}).")
    parts.append(f"Complexity: {report.complexity.score:.2f}. Isolation of the analysers: {words(report.isolation)}.")
    yield " ".join(parts)
    spoke = models_used(report)
    if spoke is not None:
        yield f"Models: {neutral_markdown(spoke)}."
    version = neutral_markdown(report.conclave_version)
    yield f"_Mode {report.mode}, Conclave_ {version}, review {code_span(clean(report.review_id, 200))}."

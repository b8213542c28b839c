"""The report in the terminal: one table of findings with their code, then a compact account of the review."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import Console, Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from models.digest import (
    LANGUAGES,
    counted,
    experts_of,
    gaps,
    headline,
    models_used,
    not_shown,
    percent,
    place_of,
    title,
    why,
    words,
)
from models.excerpt import CodeLine, code_lines
from models.expert import Severity
from models.review import ExpertStatus, ExpertSummary, PanelFinding, ReviewReport
from models.text import clean, neutral_log

WIDE = 110
"""Columns from which experts and confidence have columns of their own."""
FILE_WIDTH = 120
EXCERPT_WIDTH = 400
LISTED_PATHS = 5
"""Paths named for one reason; the rest is counted, the other formats list more."""
SEVERITY_STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
}
STATUS_STYLES = {ExpertStatus.FAILED: "bold red", ExpertStatus.DEGRADED: "yellow", ExpertStatus.NOT_SELECTED: "dim"}


def print_report(report: ReviewReport, output: Path | None = None, link: str | None = None) -> None:
    """Print a report on standard output, or write it as plain text.

    Args:
        report: What to print.
        output: File to write instead.
        link: Address of the review's process in the Temporal web UI.
    """
    if output is not None:
        with output.open("w", encoding="utf-8") as file:
            write_table(report, Console(file=file, width=FILE_WIDTH, no_color=True, force_terminal=False), link)
        return
    # A terminal that cannot show a character shows a question mark; it is no reason to lose the report.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="replace")
    write_table(report, Console(), link)


def write_table(report: ReviewReport, console: Console, link: str | None = None) -> None:
    """Write a report on a console; colours and control codes go to terminals only.

    Every line begins with something of ours (a border or a label): build servers obey `::command` at the start of one.
    """
    console.print(_heading(report), soft_wrap=True)
    if report.findings:
        console.print(_findings(report, wide=console.width >= WIDE))
    console.print(_account(report))
    if link:
        # Never folded: a terminal wraps it without breaking what is copied.
        console.print(Text("Temporal UI: ").append(link, Style(link=link)), soft_wrap=True)


def _outside(text: str, limit: int, style: str = "") -> Text:
    """Text from outside, as data: no markup, nothing hidden, folded and never cut."""
    return Text(neutral_log(clean(text, limit)), style, overflow="fold")


def _heading(report: ReviewReport) -> Text:
    heading = Text("Conclave review of ").append_text(_outside(report.label, 200, "bold"))
    return heading.append("  PARTIAL", "bold yellow") if report.partial else heading.append("  complete", "green")


def _findings(report: ReviewReport, *, wide: bool) -> Table:
    table = Table(box=box.ROUNDED, show_lines=True, border_style="dim", header_style="bold", expand=True)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("Severity", no_wrap=True)
    table.add_column("Finding", ratio=1, overflow="fold")
    if wide:
        table.add_column("Experts", no_wrap=True)
        table.add_column("Conf.", justify="right", no_wrap=True)
    for finding in report.findings:
        cells: list[RenderableType] = [
            str(finding.rank),
            Text(finding.severity.value, SEVERITY_STYLES[finding.severity]),
            Group(*_finding(finding, wide=wide)),
        ]
        if wide:
            cells += ["\n".join(experts_of(finding)), percent(finding.confidence)]
        table.add_row(*cells)
    return table


def _finding(finding: PanelFinding, *, wide: bool) -> Iterator[RenderableType]:
    yield _outside(place_of(finding), 1100, "bold")
    about = [title(finding.kind), *([finding.cwe] if finding.cwe else [])]
    if not wide:
        about += [percent(finding.confidence), ", ".join(experts_of(finding))]
    yield Text(", ".join(about), "cyan", overflow="fold")
    yield _outside(finding.message, 500)
    lines = code_lines(finding, EXCERPT_WIDTH)
    if lines:
        yield _code(lines)
    if finding.recommendation:
        yield Text("Fix: ", "green", overflow="fold").append_text(_outside(finding.recommendation, 1000, "default"))


def _code(lines: Sequence[CodeLine]) -> Table:
    """An excerpt with line numbers; the finding's own lines are marked and bright."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for line in lines:
        code = Text(neutral_log(line.text), "bold" if line.flagged else "dim", overflow="fold")
        grid.add_row(Text(">" if line.flagged else " ", "bold red"), Text(str(line.number), "dim"), code)
    return grid


def _account(report: ReviewReport) -> Table:
    table = Table(box=box.ROUNDED, show_header=False, border_style="dim", expand=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    table.add_row("Found", _found(report))
    for number, phrase in enumerate(not_shown(report)):
        table.add_row("" if number else "Not listed", phrase)
    for number, line in enumerate(_gaps(report)):
        table.add_row("" if number else "Not analysed", line)
    table.add_row("Experts", Text("; ", overflow="fold").join(_expert(each) for each in report.experts))
    spoke = models_used(report)
    if spoke is not None:
        table.add_row("Models", spoke)
    table.add_row("Agreement", _agreement(report))
    table.add_row("Complexity", f"{report.complexity.score:.2f}, {report.complexity.code_length:,} characters")
    isolation = Text(words(report.isolation), "" if report.isolation == "namespaces" else "yellow")
    table.add_row("Isolation", isolation)
    return table


def _found(report: ReviewReport) -> str:
    files = sum(share.files for share in report.languages)
    lines = sum(share.lines for share in report.languages)
    languages = ", ".join(LANGUAGES[share.language] for share in report.languages)
    size = f"{counted(files, 'file')}, {counted(lines, 'line')}{f' ({languages})' if languages else ''}"
    return f"{headline(report)} in {size}"


def _gaps(report: ReviewReport) -> Iterator[Text]:
    for gap in gaps(report):
        by = f" ({', '.join(gap.experts)}{': ' if gap.tools else ''}{', '.join(gap.tools)})" if gap.experts else ""
        line = Text(f"{counted(len(gap.paths), 'file')}, {why(gap.reason)}{by}: ", "yellow", overflow="fold")
        line.append_text(_outside(", ".join(clean(path, 300) for path in gap.paths[:LISTED_PATHS]), 2000, "default"))
        if len(gap.paths) > LISTED_PATHS:
            line.append(f" and {len(gap.paths) - LISTED_PATHS:,} more", "default")
        yield line


def _expert(summary: ExpertSummary) -> Text:
    text = Text(f"{summary.expert} ").append(words(summary.status), STATUS_STYLES.get(summary.status, "green"))
    if summary.reason:
        text.append(f" ({why(summary.reason)})")
    if summary.status is not ExpertStatus.NOT_SELECTED:
        text.append(f", {counted(summary.findings, 'finding')}, {summary.seconds:.1f} s", "dim")
    return text


def _agreement(report: ReviewReport) -> str:
    agreed = report.consistency
    value = "not measurable" if agreed.value is None else f"{agreed.value:.2f}"
    phrase = f"{value} between experts ({words(agreed.method)}, {counted(agreed.units, 'place')})"
    if report.confidence is not None:
        phrase += f", confidence {percent(report.confidence)} ({words(report.confidence_method)})"
    return phrase

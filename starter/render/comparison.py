"""What came of a comparison, for a terminal of 100 columns: the same words and numbers as on paper."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models import comparison_text as say
from models.comparison import Compared, ComparisonReport, Side

STYLES = {"good": "green", "bad": "red"}


def print_comparison(report: ComparisonReport, console: Console | None = None) -> None:
    """Everything about one comparison that decides, and where the rest is hinted at."""
    console = console or Console()
    _line(console, "Comparison", report.comparison_id)
    for side in Side:
        if (it := report.versions.get(side)) is not None:
            _line(console, side.value, f"{say.side_name(it)} ({say.short_hash(it)})")
    runs = f", {report.repeats} runs each" if report.repeats > 1 else ""
    _line(console, "Dataset", f"{report.dataset}, {say.counted(report.dataset_size, 'sample')}{runs}")
    _print_metrics(console, report)
    _print_advice(console, report)
    _print_regressions(console, report)
    if (overlap := say.overlap_of(report)) is not None:
        _line(console, "Findings", overlap)
    _line(console, "Return", say.roi_of(report))
    for note in _notes(report):
        _line(console, "Note", note)


def _print_metrics(console: Console, report: ComparisonReport) -> None:
    rows = [
        (
            Text(_plain(say.title(name))),
            *(Text(_plain(each)) for each in _numbers(it)),
            Text(_plain(say.verdict_of(it)), STYLES.get(say.TONES.get(it.verdict, ""), "")),
        )
        for name, it in say.metrics_in_order(report)
    ]
    _table(console, ("Metric", "v1", "v2", "Change", "95% interval", "p adj.", "Verdict"), rows)


def _numbers(it: Compared) -> Sequence[str]:
    change, interval = say.change_of(it.change, it), say.interval_of(it)
    return say.value_of(it.v1, it.unit), say.value_of(it.v2, it.unit), change, interval, say.p_value(it.p_adjusted)


def _print_advice(console: Console, report: ComparisonReport) -> None:
    advice, meaning = say.ADVICE[report.recommendation]
    style = STYLES.get(say.ADVICE_TONES.get(report.recommendation, ""), "yellow")
    _line(console, "Advice", advice, f"bold {style}")
    _line(console, "", meaning)
    _line(console, "", say.confidence(report))
    for each in report.findings:
        mark = say.GROUNDS[each.verdict]
        _line(console, "", f"{mark} {say.title(each.metric)} ({each.role}): {say.shown(each.reason)}")
    if (more := say.more_samples(report)) is not None:
        _line(console, "Samples", more)


def _print_regressions(console: Console, report: ComparisonReport) -> None:
    if not report.regressions:
        _line(console, "Regressions", "none shown")
        return
    rows = [
        tuple(
            Text(_plain(cell))
            for cell in (
                say.title(it.metric),
                say.shown(it.slice) + (" (exploratory)" if it.exploratory else ""),
                say.change_of(it.change, report.metrics.get(it.metric, Compared())),
                f"{it.n:,}",
                say.p_value(it.p_adjusted),
            )
        )
        for it in report.regressions
    ]
    _table(console, ("Regression", "Where", "Change", "n", "p adj."), rows, left=2)


def _notes(report: ComparisonReport) -> Iterable[str]:
    if report.recorded:
        yield "recorded runs, not made at the same time: latency and cost say less"
    if report.prices_changed:
        yield "prices changed between the two: the cost decides nothing"
    if report.attempts > 1:
        yield f"attempt {report.attempts:,} on this dataset: who tries often wins once by luck"


def _table(console: Console, columns: Sequence[str], rows: Iterable[Sequence[Text]], left: int = 1) -> None:
    table = Table(box=box.ROUNDED, border_style="dim")
    for number, column in enumerate(columns):
        is_text = number < left or column == "Verdict"
        table.add_column(column, justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _line(console: Console, title: str, text: str, style: str = "") -> None:
    """A line with a title in front; what does not fit is continued under the text."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=12)
    grid.add_column(overflow="fold")
    grid.add_row(Text(title, "dim"), Text(_plain(say.shown(text)), style))
    console.print(grid)


def _plain(text: str) -> str:
    """Not every terminal has the long minus and dash."""
    return text.replace(say.MINUS, "-").replace(say.NONE, "-")

"""What came of an experiment, for a terminal: every number with its interval and what it was counted over."""

from collections.abc import Callable, Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.digest import usd
from models.experiment import Evaluation, ExperimentStatus, ExperimentView, spoken_seconds
from models.gate import Decision
from models.measure import Estimate, Metrics, Quality
from models.text import clean

SHARES = (
    ("Accuracy", "accuracy"),
    ("Recall", "recall"),
    ("Detection by sample", "detection"),
    ("Precision", "precision"),
    ("F1", "f1"),
    ("False-positive rate", "false_positive_rate"),
    ("Localisation", "localisation"),
)
STYLES = {
    ExperimentStatus.PASSED: "bold green",
    ExperimentStatus.PROMOTED: "bold green",
    ExperimentStatus.QUARANTINED: "bold red",
    ExperimentStatus.REJECTED: "bold red",
    ExperimentStatus.FAILED: "bold red",
    ExperimentStatus.INCONCLUSIVE: "bold yellow",
}
NEXT = {
    ExperimentStatus.CREATED: "`conclave experiment run {id}` runs it",
    ExperimentStatus.RUNNING: "`conclave watch {id}` follows it",
    ExperimentStatus.EVALUATING: "`conclave watch {id}` follows it",
    ExperimentStatus.PAUSED: "`conclave experiment resume {id}` goes on with it",
    ExperimentStatus.FAILED: "`conclave experiment run {id}` tries again; samples that are over are kept",
    ExperimentStatus.PASSED: '`conclave promote {id} --reason "..."` asks for it to become the stable one',
    ExperimentStatus.QUARANTINED: "`conclave blacklist` has the reason; an approver may release it",
}
"""What to do now, where there is something."""
NONE = "-"
METHODS = {
    "wilson": "Wilson",
    "clopper-pearson": "exact",
    "order-statistics": "ranks",
    "bootstrap-percentile": "bootstrap",
    "none": NONE,
}


def print_experiment(view: ExperimentView, console: Console | None = None) -> None:
    """Everything about one experiment."""
    console = console or Console()
    _line(console, "Experiment", f"{view.name} ({view.id})")
    _line(console, "Dataset", f"{view.dataset}, {view.progress.samples:,} samples")
    _line(console, "Configuration", view.config_hash)
    if view.bar is not None:
        asked = "models are asked" if view.bar.models else "analysers alone"
        _line(console, "Bar", f"policy {view.bar.policy}, attempt {view.bar.attempts} on this dataset, {asked}")
    if view.evaluation is not None:
        _print_metrics(console, view.evaluation.metrics)
        _print_verdict(console, view.evaluation)
        _print_decision(console, view.evaluation.decision)
    _line(console, "Status", _status(view), STYLES.get(view.status, "bold"))
    if view.workflow_url is not None:
        _line(console, "Process", view.workflow_url)
    if view.status in NEXT:
        _line(console, "Next", NEXT[view.status].format(id=view.id))


def _status(view: ExperimentView) -> str:
    progress = view.progress
    if view.evaluation is not None:
        return view.status.value
    parts = [view.status.value, f"{progress.done:,} of {progress.samples:,} samples done"]
    if view.failure:
        parts.append(view.failure)
    if progress.errors:
        parts.append(f"{progress.errors:,} errors")
    if progress.seconds_left is not None:
        parts.append(f"about {spoken_seconds(progress.seconds_left)} left")
    return ", ".join(parts)


def _print_metrics(console: Console, metrics: Metrics) -> None:
    rows = [(title, *_share(getattr(metrics.quality, name))) for title, name in SHARES]
    rows.append(("Error rate", *_share(metrics.error_rate)))
    latency = metrics.latency
    rows += [(f"Latency {name}", *_cells(getattr(latency, name), "{:,.2f} s".format)) for name in ("p50", "p95", "p99")]
    rows.append(("Cost per analysis", *_cells(metrics.cost_per_analysis, _dollars)))
    _table(console, ("Measure", "Value", "95 % interval", "n", "Method"), rows)
    slices: list[tuple[str, Quality]] = [(name.value, each) for name, each in metrics.by_language.items()]
    slices += [(name.value, each) for name, each in metrics.by_expert.items()]
    columns = ("Part", "Samples", "Accuracy", "Recall", "Precision", "FPR", "Errors")
    _table(console, columns, [(name, *_slice(quality)) for name, quality in slices])
    notes = [f"{metrics.files_not_analysed:,} files not analysed"] if metrics.files_not_analysed else []
    if metrics.cached:
        notes.append(f"{metrics.cached:,} cached samples are in no latency and no cost")
    if notes:
        _line(console, "Note", "; ".join(notes))


def _print_verdict(console: Console, evaluation: Evaluation) -> None:
    ai = evaluation.ai
    _line(console, "Verdict", f"{ai.verdict} by {ai.judged_by}, confidence {ai.confidence:.2f}")
    for reason in ai.reasons:
        _line(console, "", reason)
    if evaluation.override is not None:
        by = evaluation.override
        _line(console, "Overridden", f"{by.verdict} by {by.by}: {by.reason}")


def _print_decision(console: Console, decision: Decision) -> None:
    _line(console, "Gate", f"{decision.outcome} (policy {decision.policy}, {decision.engine})")
    for denial in decision.denials:
        _line(console, "", denial.told)
    if decision.further_samples is not None:
        _line(console, "", f"about {decision.further_samples:,} more samples would decide, at the rate observed")


def _share(estimate: Estimate) -> Sequence[str]:
    return _cells(estimate, "{:.1%}".format)


def _dollars(micro: float) -> str:
    return usd(round(micro))


def _cells(estimate: Estimate, form: Callable[[float], str]) -> Sequence[str]:
    def told(value: float | None) -> str:
        return NONE if value is None else form(value)

    known = (estimate.low, estimate.high) != (None, None)
    interval = f"{told(estimate.low)} to {told(estimate.high)}" if known else NONE
    return told(estimate.value), interval, f"{estimate.n:,}", METHODS.get(estimate.method, estimate.method)


def _slice(quality: Quality) -> Sequence[str]:
    shares = (quality.accuracy, quality.recall, quality.precision, quality.false_positive_rate)
    return (f"{quality.counts.samples:,}", *(_share(each)[0] for each in shares), f"{quality.counts.errors:,}")


def _table(console: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=box.ROUNDED, border_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=number == 0)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _line(console: Console, title: str, text: str, style: str = "") -> None:
    console.print(Text.assemble((f"{title:<14}", "dim"), (clean(text, 500), style)), soft_wrap=True)

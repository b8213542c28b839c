"""What a report of a comparison says, section by section, as plain text: HTML and PDF only lay it out.

Nothing here is markup. A name that looks like some is text in a cell, and stays text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from activities.reports.comparison_plots import Plot, plots
from models import comparison_text as say
from models.comparison import HIGHLY, Compared, ComparisonReport, Regression, Side, StatisticalTest

RESOURCES = (
    ("Analysers", "tool_seconds", "s"),
    ("Processor", "cpu_seconds", "s"),
    ("Memory", "memory_mib", "MiB"),
    ("Graphics processor", "gpu_seconds", "s"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; `tone` is `good`, `bad` or nothing."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Those that grow share the width that is left, so that long text wraps there."""

    title: str
    kind: Literal["text", "number", "grow", "code"] = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of a row names it."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    small: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what follows it: text, tables, plots, notes in small print."""

    id: str
    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that is shown."""

    id: str
    title: str
    facts: tuple[tuple[str, str], ...]
    advice: str
    tone: str
    meaning: str
    confidence: str
    grounds: tuple[tuple[Cell, str, str], ...]
    """Mark, metric with its role, reason."""
    more: str
    main: tuple[Section, ...]
    appendix: tuple[Section, ...]
    stamp: str
    """The date for machines."""


def content(report: ComparisonReport) -> Content:
    """The report in the order in which it is read."""
    advice, meaning = say.ADVICE[report.recommendation]
    name = say.shown(report.comparison_id)
    return Content(
        id=name,
        title="Comparison of two reviewers",
        facts=(
            *((side.value, say.side_name(report.versions[side])) for side in Side if side in report.versions),
            ("Dataset", f"{say.shown(report.dataset)}, {_samples(report)}"),
            ("Date", say.date(report)),
            ("Comparison", name),
        ),
        advice=advice,
        tone=say.ADVICE_TONES.get(report.recommendation, ""),
        meaning=meaning,
        confidence=say.confidence(report),
        grounds=tuple(
            (
                Cell(say.GROUNDS[each.verdict], say.TONES.get(each.verdict, "")),
                f"{say.title(each.metric)} ({each.role})",
                say.shown(each.reason),
            )
            for each in report.findings
        ),
        more=say.more_samples(report) or "",
        main=tuple(_main(report)),
        appendix=tuple(_appendix(report)),
        stamp=report.generated_at.isoformat(),
    )


def _samples(report: ComparisonReport) -> str:
    runs = f", {report.repeats} runs of each on both sides" if report.repeats > 1 else ""
    return say.counted(report.dataset_size, "sample") + runs


def _main(report: ComparisonReport) -> Iterable[Section]:
    by_key = {plot.key: plot for plot in plots(report)}
    yield Section(
        "metrics",
        "Metrics",
        tables=(_metrics(report),),
        notes=(
            "Change is v2 against v1: percentage points (pp) for shares, percent for ratios. "
            "p is of the metric's primary test; p adj. is adjusted by Holm over all metrics; the interval is not.",
            *(f"{say.title(name)}: {say.shown(it.note)}" for name, it in say.metrics_in_order(report) if it.note),
        ),
    )
    yield Section("effects", "Size of the effects", plots=(by_key["forest"],))
    yield Section(
        "agreement",
        "Agreement of the two",
        text=tuple(filter(None, (say.overlap_of(report), *_consistency(report)))),
        plots=(by_key["agreement"],),
    )
    yield Section(
        "economy",
        "Cost and return",
        text=(say.roi_of(report),),
        plots=(by_key["cost"],),
    )
    yield Section("latency", "Latency", plots=(by_key["latency"],))
    yield Section("errors", "Errors and attrition", text=tuple(_attrition(report)), tables=tuple(_errors(report)))
    worse = tuple(_regressions(report, sliced=False))
    none = "On no metric is v2 shown to be worse over all samples."
    yield Section("regressions", "Regressions", text=() if worse else (none,), tables=worse)
    sliced = tuple(_regressions(report, sliced=True))
    yield Section("slices", "Slices", text=tuple(_about_slices(report)), tables=sliced)


def _metrics(report: ComparisonReport) -> Table:
    rows = tuple(
        (
            Cell(say.title(name)),
            Cell(say.value_of(it.v1, it.unit)),
            Cell(say.value_of(it.v2, it.unit)),
            Cell(say.change_of(it.change, it)),
            Cell(say.interval_of(it)),
            Cell(say.p_value(it.p_value)),
            Cell(say.p_value(it.p_adjusted)),
            Cell(say.verdict_of(it), say.TONES.get(it.verdict, "")),
        )
        for name, it in say.metrics_in_order(report)
    )
    titles = ("v1", "v2", "Change", "95% interval", "p", "p adj.")
    columns = (Column("Metric", "grow"), *(Column(title, "number") for title in titles), Column("Verdict"))
    return Table("Both sides on every metric", columns, rows)


def _consistency(report: ComparisonReport) -> Iterable[str]:
    told = [f"{side.value} {say.share(value)}" for side in Side if (value := report.consistency.get(side)) is not None]
    if told:
        yield f"Samples judged alike in all {report.repeats} runs: {', '.join(told)}."


def _attrition(report: ComparisonReport) -> Iterable[str]:
    pairing = report.pairing
    yield (
        f"{say.counted(pairing.paired, 'observation')} of both sides could be paired; {pairing.only_v1:,} are of v1 "
        f"only, {pairing.only_v2:,} of v2 only."
    )
    if pairing.clustered:
        yield f"They fall into {say.counted(pairing.groups, 'group')} that are not independent: intervals are by group."
    if not any(report.errors.get(side) for side in Side):
        yield "No sample was without a result on either side."


def _errors(report: ComparisonReport) -> Iterable[Table]:
    codes = sorted({code for errors in report.errors.values() for code in errors})
    if codes:
        rows = [(code, *(report.errors.get(side, {}).get(code, 0) for side in Side)) for code in codes]
        rows.append(("All", *(sum(report.errors.get(side, {}).values()) for side in Side)))
        yield Table(
            "Samples without a result, by cause",
            (Column("Cause"), Column("v1", "number"), Column("v2", "number")),
            tuple((Cell(say.words(code)), Cell(f"{one:,}"), Cell(f"{two:,}")) for code, one, two in rows),
        )


def _regressions(report: ComparisonReport, *, sliced: bool) -> Iterable[Table]:
    """Metrics that are worse over all samples, or slices of the samples that look worse."""
    found = [each for each in report.regressions if (each.slice != "all") is sliced]
    if not found:
        return
    caption = "Slices in which v2 looks worse" if sliced else "Metrics on which v2 is worse, over all samples"
    first = (Column("Slice", "grow"), Column("Metric")) if sliced else (Column("Metric", "grow"),)
    columns = (*first, *(Column(name, "number") for name in ("Change", "n", "p", "p adj.")))
    yield Table(caption, columns, tuple((*([Cell(say.shown(it.slice))] * sliced), *_worse(it, report)) for it in found))


def _worse(it: Regression, report: ComparisonReport) -> tuple[Cell, ...]:
    change = say.change_of(it.change, report.metrics.get(it.metric, Compared()))
    told = (f"{it.n:,}", say.p_value(it.p_value), say.p_value(it.p_adjusted))
    return (Cell(say.title(it.metric)), Cell(change, "bad"), *(Cell(each) for each in told))


def _about_slices(report: ComparisonReport) -> Iterable[str]:
    if any(each.slice != "all" for each in report.regressions):
        yield (
            "Exploratory: slices are looked at because there are many, and none of them decides. "
            "p adj. is adjusted by Benjamini and Hochberg over the slices."
        )
    else:
        yield "In no slice of the samples (by language or weakness) does v2 look worse."


def _resources(report: ComparisonReport) -> Iterable[Table]:
    rows = [
        (name, *(None if (it := report.resources.get(side)) is None else getattr(it, key) for side in Side), unit)
        for name, key, unit in RESOURCES
    ]
    known = [row for row in rows if row[1] is not None or row[2] is not None]
    if known:
        yield Table(
            "What the runs took of the machine",
            (Column("Resource"), Column("v1", "number"), Column("v2", "number")),
            tuple(
                (Cell(name), *(Cell(say.NONE if it is None else f"{say.number(it)} {unit}") for it in (one, two)))
                for name, one, two, unit in known
            ),
        )


def _appendix(report: ComparisonReport) -> Iterable[Section]:
    yield Section("tests", "Statistical tests", tables=(_tests(report),), notes=tuple(_test_notes(report)))
    yield Section("method", "How this was measured", text=tuple(_method(report)))
    if taken := tuple(_resources(report)):
        yield Section("resources", "Resources", tables=taken)
    yield Section("provenance", "Where it comes from", tables=(_provenance(report),))


def _tests(report: ComparisonReport) -> Table:
    titles = ("Statistic", "Effect", "n", "p", "Seed")
    columns = (Column("Metric", "grow"), Column("Test"), *(Column(name, "number") for name in titles), Column("Pairs"))
    order = {name: place for place, (name, _) in enumerate(say.metrics_in_order(report))}
    tests = sorted(report.statistical_tests, key=lambda it: order.get(it.metric, len(order)))
    return Table(
        "All statistical tests; * marks the one that the verdict reads", columns, tuple(map(_test, tests)), small=True
    )


def _test(it: StatisticalTest) -> tuple[Cell, ...]:
    effect = say.NONE
    if it.effect_size is not None:
        effect = f"{say.number(it.effect_size)} ({it.effect_name.replace('-', ' ')})"
    told = (
        say.title(it.metric),
        it.test_name + (" *" if it.primary else ""),
        say.number(it.statistic),
        effect,
        f"{it.n:,}",
        say.p_value(it.p_value),
        say.NONE if it.seed is None else str(it.seed),
        "paired" if it.paired else "apart",
    )
    return tuple(Cell(each) for each in told)


def _test_notes(report: ComparisonReport) -> Iterable[str]:
    """What is to be said of tests, each sentence once with the tests it is about."""
    about: dict[str, list[str]] = {}
    for test in report.statistical_tests:
        if test.note:
            about.setdefault(say.shown(test.note), []).append(f"{test.test_name} of {say.title(test.metric).lower()}")
    return tuple(f"{', '.join(dict.fromkeys(tests))}: {note}" for note, tests in about.items())


def _method(report: ComparisonReport) -> Iterable[str]:
    yield (
        f"Both sides were paired by sample and repeat. A result is called significant below {report.alpha:g} and "
        f"highly significant below {HIGHLY:g}. p-values are adjusted by Holm over the metrics that have a primary "
        "test; intervals are 95% each and not adjusted."
    )
    yield "A p-value or interval that could not be computed is shown as a dash and never counts as a pass."
    names = ("accuracy", "recall", "precision", "false_positive_rate", "error_rate")
    margins = [f"{say.title(name).lower()} {getattr(report.margins, name) * 100:g} pp" for name in names]
    margins += [f"{name} {getattr(report.margins, name) * 100:g}%" for name in ("latency", "cost")]
    yield f"How much worse v2 may be was fixed when the comparison was asked for: {', '.join(margins)}."
    yield "Slices are exploratory: they are there to look where something went wrong, not to decide."
    if report.recorded:
        yield "Recorded runs were compared: the two did not run at the same time, so latency and cost say less."
    if report.prices_changed:
        yield "Prices changed between the two runs: the cost decides nothing."
    refused = [say.title(name) for name, it in say.metrics_in_order(report) if it.verdict == "refused"]
    if refused:
        yield f"Not judged, for the reasons below the table: {', '.join(refused)}."
    if report.attempts > 1:
        yield (
            f"This is attempt {report.attempts:,} on this dataset: who tries often wins once by luck. A confirmation "
            "on fresh samples is worth more than one more attempt."
        )


def _provenance(report: ComparisonReport) -> Table:
    rows: list[tuple[str, str]] = [("Comparison", report.comparison_id)]
    for side in Side:
        if (it := report.versions.get(side)) is not None:
            rows.append((f"{side.value} configuration", it.config_hash))
            if it.version_id is not None:
                rows.append((f"{side.value} version id", it.version_id))
            rows += [(f"{side.value} experiment", each) for each in it.experiment_ids]
    rows += [("Dataset", report.dataset), ("Dataset hash", report.dataset_hash), ("Seed", str(report.seed))]
    rows.append(("Libraries", ", ".join(f"{name} {version}" for name, version in sorted(report.libraries.items()))))
    return Table(
        "Hashes, ids and library versions",
        (Column("Of what"), Column("Value", "code")),
        tuple((Cell(name), Cell(say.shown(value))) for name, value in rows),
        small=True,
    )

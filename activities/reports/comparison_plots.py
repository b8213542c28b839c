"""The plots of a comparison as SVG text: vectors only, no dates, the same bytes for the same report.

Colours are Okabe and Ito's, darkened to be read on white; what they say is also said by shape, hatch or word. A page
may put its own colours in the place of those named in `COLOURS`.
"""

import io
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from models import comparison_text as say
from models.comparison import Compared, ComparisonReport

INK, SOFT, LINE, PAPER = "#1b1f24", "#59636e", "#c9d0d8", "#ffffff"
V1, V2, GOOD, BAD, BAND = "#8a939d", "#0067a5", "#00785a", "#c04a00", "#e7ebf0"
COLOURS = {
    INK: "ink", SOFT: "soft", LINE: "grid", PAPER: "card", V1: "v1", V2: "v2", GOOD: "good", BAD: "bad", BAND: "band",
}  # fmt: skip
"""What each colour means, as the name of a CSS variable."""
WIDTH = 7.0
"""Inches, of every plot: text is as large in one as in the other."""
MARKERS = {"better": ("^", GOOD), "worse": ("v", BAD), "same": ("o", SOFT), "unclear": ("o", SOFT)}
CLIPPED = {"difference": 100.0, "ratio": 200.0}
"""Percent beyond which an interval is cut off with an arrow, so that one wide interval does not flatten the others."""

QUANTILES = (("latency_p50", "p50"), ("latency_p95", "p95"))

_STYLE: dict[str, Any] = {
    "svg.hashsalt": "conclave", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 8,
    "text.parse_math": False, "axes.unicode_minus": True, "text.color": INK, "axes.labelcolor": SOFT,
    "axes.edgecolor": LINE, "xtick.color": SOFT, "ytick.color": SOFT, "xtick.labelcolor": SOFT, "ytick.labelcolor": INK,
    "axes.titlesize": 8.5, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "hatch.linewidth": 0.6, "hatch.color": PAPER, "legend.frameon": False,
    "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none", "lines.linewidth": 1.6,
}  # fmt: skip
_DRAWING = Lock()
"""The library's settings are of the process, and reports are rendered in threads."""


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot, or the sentence that says why there is none."""

    key: str
    title: str
    caption: str
    alt: str
    """What is to be seen, for those who do not see it."""
    svg: str | None
    missing: str


def plots(report: ComparisonReport) -> tuple[Plot, ...]:
    """All plots, in the order in which they are shown."""
    counts = report.confusion
    return (
        Plot(
            "forest",
            "Effects with 95% intervals",
            "Effect of v2 against v1 with 95% intervals. The shaded band is the margin of a guardrail; the vertical "
            "line is no change.",
            "; ".join(f"{say.title(name)}: {said}" for name, said in _effects(report)),
            forest(report),
            "There is no plot of effects: no metric has a change to draw.",
        ),
        Plot(
            "agreement",
            "Right and wrong by sample, and findings in common",
            "Left: pairs by whether each side judged the sample right. Right: findings matched one to one.",
            f"Both right {counts.both_right}, only v1 right {counts.only_v1}, only v2 right {counts.only_v2}, "
            f"both wrong {counts.both_wrong}. {say.overlap_of(report) or 'No findings to compare.'}",
            agreement(report),
            "There is no plot of agreement: no samples could be paired.",
        ),
        Plot(
            "latency",
            "Seconds per sample",
            "Seconds per sample on a log scale, both sides over each other; the lines mark p50 and p95 where known.",
            "Distribution of seconds per sample. "
            + "; ".join(
                f"{say.title(name)}: v1 {say.value_of(it.v1, it.unit)}, v2 {say.value_of(it.v2, it.unit)}"
                for name, it in say.metrics_in_order(report)
                if it.unit == "seconds"
            ),
            latency(report),
            "There is no plot of latency: no sample's time was measured anew.",
        ),
        Plot(
            "cost",
            "Cost and gain",
            "What both sides cost; where v2 costs more, also what it gains for that.",
            " ".join(
                f"{say.title(name)}: v1 {say.value_of(it.v1, it.unit)}, v2 {say.value_of(it.v2, it.unit)}."
                for name, it in _costs(report)
            ),
            cost(report),
            "There is no plot of cost: nothing was spent, or it is not known.",
        ),
    )


def _effects(report: ComparisonReport) -> Iterable[tuple[str, str]]:
    for name, it in say.metrics_in_order(report):
        if it.change is not None:
            yield name, f"{say.change_of(it.change, it)} ({say.interval_of(it)}), {it.verdict}"


def latency(report: ComparisonReport) -> str | None:
    """Both sides' seconds per sample, overlaid on a log axis."""
    bins = report.latency
    if not (sum(bins.v1) or sum(bins.v2)) or len(bins.edges) < 2 or bins.edges[0] <= 0:
        return None

    def draw(figure: Any) -> None:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        axes = figure.subplots()
        top = max(*bins.v1, *bins.v2)
        for label, counts, colour, style in (("v1", bins.v1, V1, "--"), ("v2", bins.v2, V2, "-")):
            axes.stairs(counts, bins.edges, fill=True, color=colour, alpha=0.22, linewidth=0)
            axes.stairs(
                counts,
                bins.edges,
                color=colour,
                linestyle=style,
                linewidth=1.6,
                label=_quantiles(report, label, sum(counts)),
            )
        axes.set_xscale("log")
        axes.set_xlim(bins.edges[0], bins.edges[-1])
        axes.set_ylim(0, top * 1.28)
        wide = math.log10(bins.edges[-1] / bins.edges[0]) > 2.5
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(_second))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel("Samples")
        axes.yaxis.get_major_locator().set_params(integer=True)
        for name, label in QUANTILES:
            it = report.metrics.get(name)
            values = [
                each for each in ((it.v1, it.v2) if it else ()) if each and bins.edges[0] <= each <= bins.edges[-1]
            ]
            for value, colour, style in ((it and it.v1, V1, "--"), (it and it.v2, V2, "-")):
                if value in values:
                    axes.plot((value, value), (0, top * 1.1), color=colour, linestyle=style, linewidth=1.0)
            if values:
                middle = math.exp(sum(map(math.log, values)) / len(values))
                axes.text(middle, top * 1.13, label, ha="center", va="bottom", fontsize=8, color=INK)
        figure.legend(loc="outside upper right", ncols=2, fontsize=8)

    return _svg("latency", 2.4, draw)


def _second(value: float, _: object) -> str:
    return f"{value:g} s"


def _quantiles(report: ComparisonReport, side: str, samples: int) -> str:
    """One side in the legend, with the numbers that its lines mark: at the lines they would be over each other."""
    told = [
        f"{label} {say.value_of(value, 'seconds')}"
        for name, label in QUANTILES
        if (it := report.metrics.get(name)) is not None and (value := it.v1 if side == "v1" else it.v2) is not None
    ]
    return f"{side}: {', '.join((say.counted(samples, 'sample'), *told))}"


def forest(report: ComparisonReport) -> str | None:
    """Effects with their intervals: shares in percentage points above, ratios in percent below."""
    rows = [(name, it) for name, it in say.metrics_in_order(report) if it.change is not None]
    panels = [
        ("difference", "Shares: change in percentage points", [
            row for row in rows if row[1].scale == "difference" and row[1].unit == "share"]),
        ("ratio", "Ratios: change in percent", [r for r in rows if r[1].scale == "ratio"]),
    ]  # fmt: skip
    panels = [panel for panel in panels if panel[2]]
    if not panels:
        return None
    sizes = [len(panel[2]) + 0.6 for panel in panels]

    def draw(figure: Any) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        figure.get_layout_engine().set(hspace=0.08, h_pad=0.08)
        grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=sizes)
        for axes, (scale, heading, metrics) in zip(grid[:, 0], panels, strict=True):
            _panel(axes, report, scale, metrics)
            axes.set_title(heading)
        handles: list[Any] = [
            Line2D([], [], marker=marker, color=colour, markerfacecolor=_fill(verdict), label=verdict, markersize=6)
            for verdict, (marker, colour) in MARKERS.items()
        ]  # fmt: skip
        handles.append(Patch(facecolor=BAND, edgecolor=LINE, label="within the margin"))
        figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8, handlelength=1.8)

    return _svg("forest", 0.6 + 0.22 * sum(sizes) + 0.5 * len(panels), draw)


def _panel(axes: Any, report: ComparisonReport, scale: str, metrics: list[tuple[str, Compared]]) -> None:
    limit = CLIPPED[scale]
    ends = [100 * each for _, it in metrics for each in (it.low, it.change, it.high) if each is not None]
    margins = [100 * (say.margin_of(name, report) or 0) for name, _ in metrics]
    reach = min(limit, max(1.0, *(abs(each) for each in ends), *(1.1 * each for each in margins)) * 1.08)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    for row, (name, it) in enumerate(metrics):
        margin = say.margin_of(name, report)
        if margin is not None:
            wide = min(100 * margin, reach)
            axes.barh(row, 2 * wide, 0.82, left=-wide, color=BAND, zorder=0)
            for end in (-wide, wide):
                axes.plot((end, end), (row - 0.41, row + 0.41), color=LINE, linewidth=0.8, zorder=0)
        marker, colour = MARKERS.get(it.verdict, ("x", SOFT))
        centre = max(-reach, min(reach, 100 * (it.change or 0)))
        for end in (it.low, it.high):
            if end is not None:
                at = max(-reach, min(reach, 100 * end))
                axes.plot((centre, at), (row, row), color=colour, linewidth=1.5, solid_capstyle="butt", zorder=2)
                tip = "|" if abs(100 * end) <= reach else (">" if end > 0 else "<")
                axes.plot(at, row, marker=tip, color=colour, markersize=6, zorder=2, clip_on=False)
        axes.plot(
            centre,
            row,
            marker=marker,
            color=colour,
            markerfacecolor=_fill(it.verdict),
            markersize=6.5,
            zorder=3,
            clip_on=False,
        )
        axes.annotate(
            say.change_of(it.change, it), (1.0, row), xycoords=("axes fraction", "data"), xytext=(52, 0), ha="right",
            va="center", textcoords="offset points", fontsize=8, color=INK, annotation_clip=False,
        )  # fmt: skip
    axes.set_xlim(-reach * 1.02, reach * 1.02)
    axes.set_ylim(len(metrics) - 0.4, -0.6)
    axes.set_yticks(range(len(metrics)), [say.title(name) for name, _ in metrics])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    unit = " pp" if scale == "difference" else "%"

    def percent(value: float, _: object) -> str:
        return f"{'+' if value > 0 else say.MINUS if value < 0 else ''}{abs(value):g}{unit}"

    axes.xaxis.set_major_formatter(percent)


def _fill(verdict: str) -> str:
    """What is not known is hollow."""
    return PAPER if verdict == "unclear" else MARKERS.get(verdict, ("x", SOFT))[1]


def agreement(report: ComparisonReport) -> str | None:
    """Right and wrong by sample as four fields, and the findings both or one of the sides have."""
    counts, overlap = report.confusion, report.overlap
    fields = ((counts.both_right, counts.only_v2), (counts.only_v1, counts.both_wrong))
    pairs = sum(map(sum, fields))
    bars = (
        ("Both", overlap.both, SOFT, ""),
        ("Only v1", overlap.only_v1, V1, "///"),
        ("Only v2", overlap.only_v2, V2, "..."),
    )
    found = sum(bar[1] for bar in bars)
    if not pairs and not found:
        return None

    def draw(figure: Any) -> None:
        grid = figure.subplots(1, int(bool(pairs)) + int(bool(found)), squeeze=False)[0]
        if pairs:
            axes = grid[0]
            axes.set_title(f"Samples judged right or wrong ({pairs:,})")
            for y, row in enumerate(fields):
                for x, count in enumerate(row):
                    colour = BAND if x == y else (V1 if y else V2)
                    axes.add_patch(_rectangle(x, y, colour, 0.25 if x != y else 1.0))
                    axes.text(x + 0.5, y + 0.45, f"{count:,}", ha="center", va="center", fontsize=13, fontweight="bold")
                    axes.text(
                        x + 0.5, y + 0.74, say.share(count / pairs), ha="center", va="center", fontsize=8, color=SOFT
                    )
            axes.set_xlim(0, 2)
            axes.set_ylim(2, 0)
            axes.set_xticks((0.5, 1.5), ("v1 right", "v1 wrong"))
            axes.set_yticks((0.5, 1.5), ("v2 right", "v2 wrong"))
            axes.tick_params(length=0, labelcolor=INK)
            axes.xaxis.set_ticks_position("bottom")
            for spine in axes.spines.values():
                spine.set_visible(False)
        if found:
            axes = grid[-1]
            axes.set_title(f"Findings ({found:,})")
            for row, (_, count, colour, hatch) in enumerate(bars):
                axes.barh(row, count, 0.58, color=colour, hatch=hatch, edgecolor=PAPER, linewidth=0)
                axes.annotate(
                    f"{count:,} ({say.share(count / found)})", (count, row), xytext=(4, 0), textcoords="offset points",
                    va="center", fontsize=8, color=INK,
                )  # fmt: skip
            axes.set_xlim(0, max(bar[1] for bar in bars) * 1.45)
            _bare(axes, [bar[0] for bar in bars])

    return _svg("agreement", 1.95, draw)


def _rectangle(x: int, y: int, colour: str, alpha: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, facecolor=colour, alpha=alpha, linewidth=0)


def _bare(axes: Any, labels: list[str]) -> None:
    """An axis with names only: its values stand at the bars."""
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xticks(())
    axes.tick_params(axis="y", length=0)
    axes.spines["bottom"].set_visible(False)
    axes.axvline(0, color=LINE, linewidth=0.8)
    axes.spines["left"].set_visible(False)


def _costs(report: ComparisonReport) -> list[tuple[str, Compared]]:
    """The metric in money, if there is something to draw."""
    return [(name, it) for name, it in say.metrics_in_order(report) if it.unit == "micro_usd" and (it.v1 or it.v2)][:1]


def cost(report: ComparisonReport) -> str | None:
    """What both sides cost and, where there is a return on investment, gain against cost."""
    economy = report.economy
    groups: list[tuple[str, list[tuple[str, float, str, str]]]] = []
    for name, it in _costs(report):
        for heading, times in ((say.title(name), 1), (f"Total of {say.counted(it.n, 'analysis', 'analyses')}", it.n)):
            sides = (("v1", it.v1, V1, "///"), ("v2", it.v2, V2, ""))
            bars = [
                (label, times * each / 1e6, colour, hatch) for label, each, colour, hatch in sides if each is not None
            ]
            if times:
                groups.append((heading, bars))
    if economy.roi is not None:
        gained, spent = economy.value_gained_usd, economy.cost_increase_usd
        bars = [("Gained", gained, GOOD if gained >= 0 else BAD, ""), ("Spent more", spent, SOFT, "///")]
        groups.append(("Gain against cost", bars))
    if not groups:
        return None

    def draw(figure: Any) -> None:
        for axes, (heading, bars) in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups, strict=True):
            axes.set_title(heading)
            low, high = min(0.0, *(bar[1] for bar in bars), 0.0), max(0.0, *(bar[1] for bar in bars), 0.0)
            wide = (high - low) or 1.0
            for row, (_, value, colour, hatch) in enumerate(bars):
                axes.barh(row, value, 0.58, color=colour, hatch=hatch, edgecolor=PAPER, linewidth=0)
                axes.annotate(
                    say.usd(value), (max(value, 0.0), row), xytext=(4, 0), textcoords="offset points", va="center",
                    fontsize=8, color=INK,
                )  # fmt: skip
            axes.set_xlim(low, low + wide * (1.6 if len(groups) > 2 else 1.35))
            _bare(axes, [bar[0] for bar in bars])

    return _svg("cost", 1.35, draw)


_ID = re.compile(r'(\bid="|href="#|url\(#)')
_PROLOGUE = re.compile(r"\A.*?(?=<svg\b)|\s*<metadata>.*?</metadata>", re.DOTALL)


def _svg(key: str, height: float, draw: Callable[[Any], None]) -> str:
    """Run `draw` on a figure in our style. Ids get a prefix: several plots may stand in one page."""
    with _DRAWING:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        settings: Any = matplotlib
        with settings.rc_context():
            settings.rcdefaults()
            settings.rcParams.update(_STYLE)
            figure: Any = Figure(figsize=(WIDTH, height), layout="constrained")
            FigureCanvasSVG(figure)
            draw(figure)
            page = io.StringIO()
            figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    return _ID.sub(rf"\1{key}-", _PROLOGUE.sub("", page.getvalue())).strip()

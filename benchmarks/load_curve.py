"""The picture of a load test: latency and refusals against what was offered."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter


class Measured(Protocol):
    """One rate."""

    @property
    def kind(self) -> str: ...
    @property
    def offered(self) -> float: ...
    @property
    def latencies(self) -> tuple[float, float, float]: ...
    @property
    def refused(self) -> float: ...


TITLES = {"reads": "reading a review", "reviews": "submitting reviews"}


def draw(steps: Sequence[Measured], path: Path) -> None:
    """One column for each kind: percentiles of what was let in above, the share that was refused below."""
    kinds = list(dict.fromkeys(step.kind for step in steps))
    matplotlib.rcParams["svg.hashsalt"] = "load"
    figure, grid = pyplot.subplots(
        2, len(kinds), figsize=(5.2 * len(kinds), 5.2), sharex="col", squeeze=False, height_ratios=(3, 1)
    )
    for column, kind in enumerate(kinds):
        _column(grid[0][column], grid[1][column], sorted(_of(steps, kind), key=lambda step: step.offered))
        grid[0][column].set_title(TITLES[kind])
    grid[0][0].set_ylabel("latency of what was let in, ms")
    grid[1][0].set_ylabel("refused")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=120)


def _of(steps: Sequence[Measured], kind: str) -> list[Measured]:
    # The last one is the calm afterwards: it belongs to no curve.
    return [step for step in steps if step.kind == kind][:-1]


def _column(upper: Any, lower: Any, steps: Sequence[Measured]) -> None:
    offered = [step.offered for step in steps]
    for place, name in enumerate(("p50", "p95", "p99")):
        upper.plot(offered, [step.latencies[place] for step in steps], marker="o", label=name)
    upper.set_yscale("log")
    _plain(upper.yaxis)
    upper.grid(alpha=0.3, which="both")
    upper.legend()
    lower.bar(offered, [step.refused for step in steps], width=[0.3 * each for each in offered], color="tab:red")
    lower.set_xscale("log")
    lower.set_ylim(0, 1)
    lower.yaxis.set_major_formatter(PercentFormatter(1))
    _plain(lower.xaxis)
    lower.set_xlabel("offered, requests a second")
    lower.grid(alpha=0.3)


def _plain(axis: Any) -> None:
    """Numbers as people write them, at 1, 2 and 5 of each power of ten."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())

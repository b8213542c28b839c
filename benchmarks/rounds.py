"""Fair comparisons on a noisy machine: both sides in turn, medians, and a verdict."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

Side = Callable[[], float]
"""Does the work once and returns what it cost, in any unit."""


@dataclass(frozen=True, slots=True)
class Target:
    """One promise and what was measured."""

    name: str
    measured: float
    most: float
    unit: str = ""
    digits: int = 2

    @property
    def met(self) -> bool:
        return self.measured <= self.most


def alternate(sides: Mapping[str, Side], rounds: int) -> dict[str, list[float]]:
    """Run every side once a round; who begins changes each round, so that drift of the machine hits all alike."""
    costs: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        names = list(sides)
        for name in names if number % 2 == 0 else reversed(names):
            costs[name].append(sides[name]())
    return costs


def ratio(costs: Sequence[float], base: Sequence[float]) -> float:
    """Median of the rounds' own ratios: what disturbs one round disturbs both of its sides."""
    return median(cost / other for cost, other in zip(costs, base, strict=True))


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table that a README can hold."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(width=120).print(table)


def verdict(targets: Sequence[Target]) -> None:
    """Print the targets; end the process with code 1 when one is missed."""
    rows = [
        (
            target.name,
            f"{target.measured:.{target.digits}f}{target.unit}",
            f"<= {target.most:g}{target.unit}",
            "met" if target.met else "MISSED",
        )
        for target in targets
    ]
    show("Targets", ("what", "measured", "target", ""), rows)
    sys.exit(0 if all(target.met for target in targets) else 1)

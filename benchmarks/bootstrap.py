"""The paired bootstrap of a cost increase against `scipy.stats.bootstrap` on the same pairs: time and peak memory."""

import argparse
import importlib
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from activities.stats.resampling import Interval, quantile_difference, ratio_difference, total_increase
from benchmarks.rounds import Target, alternate, ratio, show, timed, verdict
from tests.compared import report, side

RESAMPLES = 10_000
FEW, MANY = 5_000, 100_000
SECONDS, MEMORY, WHOLE_SECONDS = 2.0, 500.0, 30.0
MIB = 2**20
ALONE = "--alone"
LIBRARY = "scipy"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(ALONE, nargs=2, metavar=("WHAT", "PAIRS"), help="one of them, and print its peak memory")
    asked = parser.parse_args()
    if asked.alone:
        alone(asked.alone[0], int(asked.alone[1]))
    else:
        compare(asked.rounds)


def sides(pairs: int) -> dict[str, Callable[[], Interval]]:
    """What is measured, by name."""
    generator = np.random.default_rng(7)
    v1 = generator.lognormal(size=pairs)
    v2 = v1 * generator.lognormal(0.05, 0.4, size=pairs)
    right1, right2 = generator.random(size=(2, pairs)) < 0.85
    ones, groups = np.ones(pairs), np.arange(pairs) // 5
    return {
        "total_increase": lambda: total_increase(v1, v2, None, 1, resamples=RESAMPLES),
        "by groups of 5": lambda: total_increase(v1, v2, groups, 1, resamples=RESAMPLES),
        "ratio_difference": lambda: ratio_difference(right1, ones, right2, ones, None, 1, resamples=RESAMPLES),
        "quantile_difference": lambda: quantile_difference(v1, v2, 0.95, None, 1),
        LIBRARY: lambda: by_library(v1, v2),
    }


def by_library(v1: Any, v2: Any) -> Interval:
    """The same interval, as fast as the library has it: vectorised, in batches that fit the memory."""
    stats: Any = importlib.import_module("scipy.stats")
    bounds = stats.bootstrap(
        (v1, v2),
        lambda one, two, axis: two.sum(axis=axis) / one.sum(axis=axis) - 1,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=max(1_000_000 // len(v1), 1),
        rng=1,
    ).confidence_interval
    return Interval(v2.sum() / v1.sum() - 1, bounds.low, bounds.high, "scipy", RESAMPLES, 1)


def alone(name: str, pairs: int) -> None:
    """One side in this process alone: its peak, libraries included, in MiB."""
    sides(pairs)[name]()
    print(peak())


def peak() -> float:
    """Most memory this process ever had, in MiB. `ru_maxrss` would be that of the process that started it, too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / MIB if sys.platform == "darwin" else most / 1024


def memory_of(name: str, pairs: int) -> float:
    """Peak memory of a side, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bootstrap", ALONE, name, str(pairs)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def compare(rounds: int) -> None:
    """All sides over few pairs in turn, then ours over many."""
    works = sides(FEW)
    found = {name: work() for name, work in works.items()}  # warms
    costs = alternate({name: (lambda work=work: timed(work)) for name, work in works.items()}, rounds)
    memory = {name: memory_of(name, FEW) for name in works}
    rows = [row(name, FEW, found[name], median(costs[name]), memory[name]) for name in works]
    quicker = ratio(costs["total_increase"], costs[LIBRARY])
    targets = [
        Target(f"{RESAMPLES} resamples of {FEW} pairs", median(costs["total_increase"]), SECONDS, " s"),
        Target("ours / scipy, median of rounds", quicker, 1.0),
        Target(f"peak memory, {FEW} pairs", memory["total_increase"], MEMORY, " MiB", 0),
    ]
    for name, work in sides(MANY).items():
        if name != LIBRARY:
            seconds, most = timed(work), memory_of(name, MANY)
            rows.append(row(name, MANY, work(), seconds, most))
            targets.append(Target(f"peak memory of {name}, {MANY} pairs", most, MEMORY, " MiB", 0))
    one, other = side(MANY, 0.80, 1), side(MANY, 0.81, 2)
    whole = timed(lambda: report(one, other))
    targets.append(Target(f"a whole comparison of {MANY} pairs", whole, WHOLE_SECONDS, " s"))
    show("Paired bootstrap", ("what", "pairs", "resamples", "interval", "time", "peak"), rows)
    print(f"scipy takes {1 / quicker:.1f} times as long over {FEW} pairs.")
    verdict(targets)


def row(name: str, pairs: int, found: Interval, seconds: float, memory: float) -> tuple[object, ...]:
    """One line of the table."""
    bounds = f"{found.low:.4f} to {found.high:.4f}"
    return name, pairs, found.resamples, bounds, f"{seconds:.2f} s", f"{memory:.0f} MiB"


if __name__ == "__main__":
    main()

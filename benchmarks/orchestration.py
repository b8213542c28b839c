"""What a review costs beside its analysers, against a bare workflow of seven activities on the same server."""

import argparse
import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.rounds import Target, ratio, show, verdict
from benchmarks.service import cpu_seconds, running_stack
from benchmarks.sides import sides
from models.review import ReviewMode
from starter.stack.launcher import Stack

MOST_TIMES, MOST_EVENTS, MOST_BYTES = 2.0, 60, 64 * 1024
AT_ONCE = 10
STAGGER_SECONDS = 0.3
"""Between the ends of two experts of the staggered review: each wakes the workflow on its own, as real ones do."""

Run = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Cost:
    """One side in one round; processor time is that of one run among several at a time."""

    latency: float
    """Median seconds of one run, one after another."""
    interval: float
    """Seconds from one end to the next with several at a time: the inverse of the throughput."""
    temporal: float
    worker: float
    postgres: float

    @property
    def cpu(self) -> float:
        """Processor seconds of all processes together."""
        return self.temporal + self.worker + self.postgres


async def cost_of(run: Run, stack: Stack, worker_pid: int, alone: int, together: int) -> Cost:
    """Run one side: first one after another, then several at a time."""
    latencies: list[float] = []
    before = used(stack, worker_pid)
    for _ in range(alone):
        began = time.perf_counter()
        await run()
        latencies.append(time.perf_counter() - began)
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with places:
            await run()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(together)))
    interval = (time.perf_counter() - began) / together
    spent = [(now - then) / (alone + together) for now, then in zip(used(stack, worker_pid), before, strict=True)]
    return Cost(median(latencies), interval, *spent)


def used(stack: Stack, worker_pid: int) -> tuple[float, float, float]:
    """Processor seconds so far of Temporal, the worker and Postgres."""
    postgres = cpu_seconds(stack.pids["postgres"], children=True)
    return cpu_seconds(stack.pids["temporal"]), cpu_seconds(worker_pid), postgres


async def compare(stack: Stack, rounds: int, alone: int, together: int) -> list[Target]:
    """Both sides in turn."""
    async with sides(stack) as both:
        for run in (both.review, both.bare) * 3:  # warm-up
            await run()
        runs: dict[str, Run] = {"review": both.review, "bare": both.bare}
        costs: dict[str, list[Cost]] = {name: [] for name in runs}
        for number in range(rounds):
            for name in list(runs) if number % 2 == 0 else reversed(list(runs)):
                costs[name].append(await cost_of(runs[name], stack, both.worker_pid, alone, together))
    table = [(name, *row_of(costs[name])) for name in runs]
    times = [
        ratio([getattr(c, what) for c in costs["review"]], [getattr(c, what) for c in costs["bare"]])
        for what in ("latency", "interval", "cpu", "temporal", "worker")
    ]
    table.append(("review / bare", *(f"{each:.2f}" for each in times), ""))
    columns = ("medians", "latency ms", f"ms a run, {AT_ONCE} at once", "CPU ms", "Temporal", "worker", "Postgres")
    show(f"{rounds} rounds of {alone} alone and {together} at {AT_ONCE} at once", columns, table)
    return [
        Target("latency, review / bare", times[0], MOST_TIMES),
        Target("time per run at 10 at once, review / bare", times[1], MOST_TIMES),
        Target("processor time, review / bare", times[2], MOST_TIMES),
    ]


def row_of(costs: list[Cost]) -> tuple[str, ...]:
    """Medians of one side in milliseconds."""
    what = ("latency", "interval", "cpu", "temporal", "worker", "postgres")
    return tuple(f"{1000 * median(getattr(cost, each) for cost in costs):.0f}" for each in what)


async def histories(stack: Stack) -> list[Target]:
    """How long the history of one review gets, at best and when every expert ends on its own."""
    rows: list[tuple[str, int, int]] = []
    for name, step in (("all at once", 0.0), ("one after another", STAGGER_SECONDS)):
        async with sides(stack, step) as both:
            for mode in ReviewMode:
                rows.append((f"{mode}, experts end {name}", *await both.history(await both.review(mode))))
    show("History of one review", ("review", "events", "bytes"), rows)
    return [
        Target("events of the longest history", max(row[1] for row in rows), MOST_EVENTS, digits=0),
        Target("bytes of the largest history", max(row[2] for row in rows), MOST_BYTES, digits=0),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alone", type=int, default=8, help="runs one after another, per round and side")
    parser.add_argument("--together", type=int, default=30, help=f"runs at {AT_ONCE} at once, per round and side")
    asked = parser.parse_args()
    stack = running_stack()
    os.environ.update(stack.environment())

    async def measure() -> list[Target]:
        return await compare(stack, asked.rounds, asked.alone, asked.together) + await histories(stack)

    verdict(asyncio.run(measure()))


if __name__ == "__main__":
    main()

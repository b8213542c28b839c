"""What one model call costs beside the call: ours, and another open gateway's, over a bare request to the provider."""

import argparse
import asyncio
import logging
import time
from contextlib import ExitStack
from statistics import median, quantiles

from benchmarks.call_sides import Call, sides
from benchmarks.gateway import PACKAGE, GatewayMissing, gateway
from benchmarks.loopback_provider import MODEL, loopback_provider
from benchmarks.own_stack import own_stack
from benchmarks.rounds import Target, ratio, show, verdict
from starter.stack.launcher import Stack
from starter.stack.parts.openbao import OpenBao
from starter.stack.parts.postgres import Postgres
from starter.stack.parts.redis import Redis

PROVIDER_SECONDS = 0.02
AT_ONCE = {1: 3.0, 16: 1.0, 64: 1.0}
"""Calls at once, and how many times the other gateway's p99 ours may be."""

Percentiles = tuple[float, float, float]
"""p50 and p99 in milliseconds, and calls a second."""


async def run(call: Call, first: int, calls: int, at_once: int) -> Percentiles:
    """So many callers, each of which calls again as soon as it has its answer."""
    numbers = iter(range(first, first + calls))
    took: list[float] = []

    async def caller() -> None:
        for number in numbers:
            began = time.perf_counter()
            await call(number)
            took.append(1000 * (time.perf_counter() - began))

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    seconds = time.perf_counter() - began
    cuts = quantiles(took, n=100)
    return cuts[49], cuts[98], calls / seconds


async def compare(stack: Stack, provider: str, other: tuple[str, str] | None, rounds: int, calls: int) -> list[Target]:
    """Every side in turn, at each number of calls at once."""
    targets: list[Target] = []
    rows: list[tuple[object, ...]] = []
    async with sides(stack, provider, other) as (ours, all_sides):
        first = 0
        for at_once, most in AT_ONCE.items():
            many = max(calls, 4 * at_once)
            seen: dict[str, list[Percentiles]] = {name: [] for name in all_sides}
            for number in range(rounds + 1):
                names = list(all_sides) if number % 2 == 0 else list(reversed(all_sides))
                await ours.expect(first + many)
                for name in names:
                    result = await run(all_sides[name], first, many, at_once)
                    if number > 0:  # the first warms up
                        seen[name].append(result)
                first += many
            rows += [row(name, at_once, seen) for name in seen]
            if other is not None:
                added = {
                    name: [each[1] - bare[1] for each, bare in zip(seen[name], seen["bare"], strict=True)]
                    for name in ("ours", "gateway")
                }
                targets.append(
                    Target(
                        f"added p99 at {at_once} at once, ours / gateway", ratio(added["ours"], added["gateway"]), most
                    )
                )
    show("A call", ("side", "at once", "p50 ms", "p99 ms", "added p50", "added p99", "calls a second"), rows)
    return targets


def row(name: str, at_once: int, seen: dict[str, list[Percentiles]]) -> tuple[object, ...]:
    """Medians of the rounds."""
    mine, bare = seen[name], seen["bare"]
    p50, p99, rate = (median(each[place] for each in mine) for place in range(3))
    added = [median(each[place] - other[place] for each, other in zip(mine, bare, strict=True)) for place in (0, 1)]
    shown = ["", ""] if name == "bare" else [f"{each:.1f}" for each in added]
    return (name, at_once, f"{p50:.1f}", f"{p99:.1f}", *shown, f"{rate:.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=300, help="per round, side and number of calls at once")
    parser.add_argument("--no-gateway", action="store_true", help="ours and the bare request only")
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    with ExitStack() as running:
        provider = running.enter_context(loopback_provider(PROVIDER_SECONDS))
        other = None
        try:
            other = None if asked.no_gateway else running.enter_context(gateway(provider, MODEL))
        except GatewayMissing as missing:
            print(f"Without another gateway: {missing}")
        stack = running.enter_context(own_stack((Postgres(), Redis(), OpenBao())))
        print(f"The other gateway: {PACKAGE if other else 'none'}")
        targets = asyncio.run(compare(stack, provider, other, asked.rounds, asked.calls))
    verdict(targets)


if __name__ == "__main__":
    main()

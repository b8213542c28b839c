"""What measuring costs: reviews with metrics, and with traces to a collector that is dead, against reviews without."""

import argparse
import asyncio
import os
import socket
import time
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from statistics import median

import httpx

from benchmarks.rounds import Target, ratio, show, verdict
from benchmarks.service import running_stack
from benchmarks.sides import Sides, sides
from models.settings import Settings
from starter.api.app import create_app
from starter.stack.launcher import Stack

MOST_TIMES, MOST_MS = 1.15, 2.0
REQUESTS = 40


@contextmanager
def dead_collector() -> Generator[str]:
    """The address of a collector that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def reviews(each: Sides, times: int) -> float:
    """Median seconds of one review, one after another."""
    took: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        await each.review()
        took.append(time.perf_counter() - began)
    return median(took)


async def requests(client: httpx.AsyncClient) -> float:
    """Median seconds of one request to the API, with its database."""
    took: list[float] = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        (await client.get("/reviews")).raise_for_status()
        took.append(time.perf_counter() - began)
    return median(took)


async def api(opened: AsyncExitStack, stack: Stack, collector: str | None) -> httpx.AsyncClient:
    """The API in this process."""
    app = create_app(Settings().model_copy(update={"otlp_endpoint": collector}))
    await opened.enter_async_context(app.router.lifespan_context(app))
    headers = {"Authorization": f"Bearer {stack.environment()['CONCLAVE_API_TOKEN']}"}
    transport = httpx.ASGITransport(app)
    return await opened.enter_async_context(
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)
    )


async def compare(stack: Stack, rounds: int, alone: int) -> list[Target]:
    """All sides in turn."""
    found: dict[str, list[tuple[float, float]]] = {}
    with dead_collector() as dead:
        told = {"without": "quiet", "metrics": "metrics", "metrics, dead collector": dead}
        async with AsyncExitStack() as opened:
            each = {name: await opened.enter_async_context(sides(stack, measured=how)) for name, how in told.items()}
            apis = {name: await api(opened, stack, dead if how == dead else None) for name, how in told.items()}
            for side in each.values():
                await reviews(side, 3)  # warm-up
            for number in range(rounds):
                for name in list(told) if number % 2 == 0 else reversed(list(told)):
                    seen = (await reviews(each[name], alone), await requests(apis[name]))
                    found.setdefault(name, []).append(seen)
    rows = [
        (name, *(f"{1000 * median(column):.1f}" for column in zip(*seen, strict=True))) for name, seen in found.items()
    ]
    show(f"{rounds} rounds of {alone} reviews and {REQUESTS} requests", ("side", "review ms", "request ms"), rows)
    base = found["without"]
    times = {name: ratio([row[0] for row in found[name]], [row[0] for row in base]) for name in list(told)[1:]}
    # Every API shows its metrics; a span takes its tenths of a millisecond, a wait would take a second.
    both = zip(found["metrics, dead collector"], found["metrics"], strict=True)
    longer = 1000 * median(dead[1] - alone[1] for dead, alone in both)
    return [
        Target("review with metrics / without", times["metrics"], MOST_TIMES),
        Target("review with a dead collector / without", times["metrics, dead collector"], MOST_TIMES),
        Target("ms that a dead collector adds to a request", longer, MOST_MS),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alone", type=int, default=10, help="reviews one after another, per round and side")
    asked = parser.parse_args()
    stack = running_stack()
    os.environ.update(stack.environment())
    verdict(asyncio.run(compare(stack, asked.rounds, asked.alone)))


if __name__ == "__main__":
    main()

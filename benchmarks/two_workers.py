"""What a second worker process adds on the same machine: for models, where slots are the limit, and for analysers."""

import argparse
import os
import time
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.loopback_provider import loopback_provider, request
from benchmarks.own_stack import own_stack
from benchmarks.rounds import alternate, ratio, show
from benchmarks.service import client_of
from benchmarks.worker_process import worker_process
from models.expert import ExpertName
from models.submission import ReviewSubmission
from starter.client import Client
from starter.intake.collect import collect
from starter.provider_client import ProviderClient
from starter.stack.launcher import SERVERS, Stack
from starter.stack.parts.programs import Api

SAMPLE = Path(__file__).parent.parent / "examples" / "python-shop" / "shop" / "pricing.py"
PROVIDER_SECONDS = 4.0
SLOTS = 2
"""Model calls at once of one process: so few that they, and not the machine, are the limit."""
SETTINGS = {"allow_loopback_providers": True, "default_daily_usd": 1_000, "default_monthly_usd": 10_000}
WANTED = 1.6


@contextmanager
def workers(stack: Stack, count: int) -> Generator[None]:
    """So many worker processes, all of them at work."""
    with ExitStack() as running:
        for _ in range(count):
            running.enter_context(worker_process(stack, ["worker"]))
        warm(stack)
        yield


def warm(stack: Stack) -> None:
    """Reviews until the workers have seen one each, more or less."""
    client = client_of(stack)
    source_id = client.submit_source(collect(SAMPLE)).source_id
    burst(client, source_id, ReviewSubmission(source_id=source_id, use_models=False), 4)


def burst(client: Client, source_id: str, wish: ReviewSubmission, reviews: int) -> float:
    """Seconds until that many reviews, all submitted at once, are complete."""
    began = time.perf_counter()
    going = {client.submit_review(wish.model_copy(update={"source_id": source_id})).id for _ in range(reviews)}
    ended: Counter[str] = Counter()
    while going:
        for review_id in tuple(going):
            if (status := client.review(review_id).status) != "running":
                ended[status] += 1
                going.discard(review_id)
        time.sleep(0.1)
    if ended["completed"] != reviews:
        raise RuntimeError(f"not every review was completed: {dict(ended)}")
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reviews", type=int, default=12, help="at once in each measurement")
    asked = parser.parse_args()
    os.environ["CONCLAVE_MODEL_CALLS_AT_ONCE"] = str(SLOTS)
    rows: list[tuple[str, ...]] = []
    with loopback_provider(PROVIDER_SECONDS) as url, own_stack((*SERVERS, Api()), **SETTINGS) as stack:
        client = client_of(stack)
        ProviderClient(client).add_provider(request(url))
        source_id = client.submit_source(collect(SAMPLE)).source_id
        asking = ReviewSubmission(source_id=source_id, experts=(ExpertName.DEPENDENCY,), providers=("loopback",))
        static = ReviewSubmission(source_id=source_id, experts="all", use_models=False)
        for name, wish in (("one model call each", asking), ("analysers alone", static)):

            def side(count: int, wish: ReviewSubmission = wish) -> float:
                with workers(stack, count):
                    return burst(client, source_id, wish, asked.reviews)

            costs = alternate({"one": lambda: side(1), "two": lambda: side(2)}, asked.rounds)
            gain = ratio(costs["one"], costs["two"])
            middle = [sorted(costs[each])[asked.rounds // 2] for each in ("one", "two")]
            rows.append((name, *(f"{asked.reviews / each:.2f}/s" for each in middle), f"{gain:.2f}"))
    title = f"{asked.reviews} reviews at once, {SLOTS} model calls at once in a process, {os.cpu_count()} cores"
    show(title, ("reviews", "one worker", "two workers", "ratio"), rows)


if __name__ == "__main__":
    main()

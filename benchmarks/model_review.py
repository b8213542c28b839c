"""How long a review with seven model experts takes, whose provider answers each after a second."""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.loopback_provider import loopback_provider, request
from benchmarks.own_stack import own_stack
from benchmarks.rounds import Target, show, verdict
from benchmarks.service import client_of
from benchmarks.step_times import marks, medians, steps_of
from models.review import ReviewMode
from models.settings import Settings
from models.submission import ReviewSubmission
from starter.client import Client
from starter.intake.collect import collect
from starter.provider_client import ProviderClient
from starter.stack.launcher import SERVERS, Stack
from starter.stack.parts.programs import Api

SAMPLE = Path(__file__).parent.parent / "examples" / "python-shop" / "shop" / "pricing.py"
PROVIDER_SECONDS = 1.0
MOST_SECONDS = 1.6
MOST_DAILY = {"default_daily_usd": 1_000, "default_monthly_usd": 10_000}


@contextmanager
def worker(stack: Stack, argv: Sequence[str]) -> Generator[None, None, None]:
    """One worker process for a stack that has none."""
    environment = {**os.environ, **stack.environment(), "CONCLAVE_ALLOW_LOOPBACK_PROVIDERS": "true"}
    with subprocess.Popen(
        [sys.executable, "-m", *argv], env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def review(client: Client, source_id: str, temporal: str) -> dict[str, float]:
    """One review from its submission to the report, and where its time went."""
    submission = ReviewSubmission(source_id=source_id, mode=ReviewMode.PARALLEL, experts="all", providers=("loopback",))
    began = time.time()
    accepted = client.submit_review(submission)
    *_, last = client.follow(accepted.id)
    report = client.report(last.id)
    ended = time.time()
    spoke = [each.expert for each in report.experts if each.provider is not None]
    if len(spoke) != len(report.experts):
        raise RuntimeError(f"a model spoke for {len(spoke)} of {len(report.experts)} experts only")
    return marks(began, asyncio.run(steps_of(temporal, last.workflow_id)), ended)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--warm-up", type=int, default=4, help="reviews before each measurement")
    asked = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {}
    with (
        loopback_provider(PROVIDER_SECONDS) as url,
        own_stack((*SERVERS, Api()), allow_loopback_providers=True, **MOST_DAILY) as stack,
    ):
        client = client_of(stack)
        ProviderClient(client).add_provider(request(url))
        source_id = client.submit_source(collect(SAMPLE)).source_id
        temporal = stack.environment()["TEMPORAL_ADDRESS"]
        prefix = Settings().task_queue
        for name, argv in (
            ("analysers at work", ("worker",)),
            ("analysers answer at once", ("benchmarks.instant_worker", prefix, "0", "metrics")),
        ):
            with worker(stack, argv):
                for _ in range(asked.warm_up):
                    review(client, source_id, temporal)
                found[name] = [review(client, source_id, temporal) for _ in range(asked.rounds)]
    report(found)


def report(found: dict[str, list[dict[str, float]]]) -> None:
    """Print both variants, and end with the verdict."""
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    for name, rounds in found.items():
        walls = [each["the client has the report"] for each in rounds]
        rows.append((name, *(f"{each:.2f} s" for each in (median(walls), min(walls), max(walls)))))
        targets.append(Target(f"parallel, warm, {name}", median(walls), MOST_SECONDS, " s"))
    show("Seven experts, each with a model that answers after 1 s", ("review", "median", "least", "most"), rows)
    middle = {name: medians(rounds) for name, rounds in found.items()}
    steps = list(dict.fromkeys(step for each in middle.values() for step in each))
    table = [(step, *(f"{each[step]:.2f} s" for each in middle.values())) for step in steps]
    show("Seconds after the submission, medians", ("", *middle), table)
    verdict(targets)


if __name__ == "__main__":
    main()

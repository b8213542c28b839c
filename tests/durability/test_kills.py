"""Parts are killed while a review runs; the review ends with the findings of the undisturbed one.

The moments are random and seeded: a failing run names its seed. Every kill is shown to have happened.
"""

import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from models.review import ReviewReport, ReviewStatus
from models.submission import ReviewSubmission
from starter.client import Client, Unreachable
from starter.intake.collect import collect
from starter.stack.launcher import Stack, up
from tests.service_fixture import EXAMPLES, client_of, settings_of

SEED = int(os.environ.get("CONCLAVE_CAMPAIGN_SEED", "20261123"))
PATIENCE_SECONDS = 90.0

Plan = list[tuple[str, float]]


def plan(worker_kills: int, temporal_kills: int, seed: int = SEED) -> Plan:
    """(part, moment as a share of the undisturbed time) in random order."""
    chance = random.Random(seed)
    parts = ["worker"] * worker_kills + ["temporal"] * temporal_kills
    chance.shuffle(parts)
    return [(part, chance.random()) for part in parts]


def start(client: Client, path: Path) -> str:
    source = client.submit_source(collect(path))
    return client.submit_review(ReviewSubmission(source_id=source.source_id, experts="all")).id


def wait(client: Client, review_id: str) -> ReviewReport:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            view = client.review(review_id)
            if view.status != ReviewStatus.RUNNING:
                assert view.status == ReviewStatus.COMPLETED, view.failure
                return client.report(review_id)
        except Unreachable:
            pass
        time.sleep(0.2)
    raise AssertionError("the review did not end")


def essence(report: ReviewReport) -> object:
    """What must not depend on what happened meanwhile."""
    return report.findings, report.totals, report.suppressed, report.coverage, report.partial


def kill(stack: Stack, part: str) -> int:
    """SIGKILL one part; returns its pid once it is gone."""
    pid = stack.pids[part]
    victim = psutil.Process(pid)
    victim.send_signal(signal.SIGKILL)
    victim.wait(10)
    return pid


def campaign(service: Stack, moments: Plan) -> None:
    client = client_of(service)
    undisturbed = wait(client, start(client, EXAMPLES / "python-shop"))  # the first one warms up
    began = time.monotonic()
    assert essence(wait(client, start(client, EXAMPLES / "python-shop"))) == essence(undisturbed)
    usual = time.monotonic() - began
    stack = service
    for number, (part, share) in enumerate(moments):
        review_id = start(client, EXAMPLES / "python-shop")
        time.sleep(share * usual)
        killed = kill(stack, part)
        stack = up(settings_of(service))
        assert stack.pids[part] != killed
        report = wait(client, review_id)
        assert essence(report) == essence(undisturbed), f"seed {SEED}, kill {number}: {part} at {share:.2f}"


@pytest.mark.timeout(300)
def test_reviews_survive_kills(service: Stack) -> None:
    campaign(service, plan(worker_kills=1, temporal_kills=1))


@pytest.mark.campaign
@pytest.mark.timeout(2400)
def test_reviews_survive_the_full_campaign(service: Stack) -> None:
    campaign(service, plan(worker_kills=20, temporal_kills=5))

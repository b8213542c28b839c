"""Two worker processes on one machine share the load, and the end of one under load loses nothing."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client as Temporal

from models.review import ReviewStatus
from models.submission import ReviewSubmission
from starter.client import Client
from starter.intake.collect import collect
from starter.stack.launcher import SERVERS, Stack
from starter.stack.parts.programs import Api
from tests.durability.test_kills import essence
from tests.service_fixture import EXAMPLES, client_of
from tests.stack_fixture import new_folder, running_stack

REVIEWS = 8


@pytest.fixture(scope="module")
def stack() -> Generator[Stack]:
    with new_folder() as folder, running_stack(folder / "home", (*SERVERS, Api())) as found:
        yield found


def worker(stack: Stack) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **stack.environment(), "CONCLAVE_WORKER_GRACE_SECONDS": "2"}
    return subprocess.Popen([sys.executable, "-P", "-m", "worker"], env=environment)


def start(client: Client, source_id: str) -> str:
    return client.submit_review(ReviewSubmission(source_id=source_id, experts="all", use_models=False)).id


def wait(client: Client, review_id: str) -> None:
    end = time.monotonic() + 200
    while client.review(review_id).status == ReviewStatus.RUNNING:
        assert time.monotonic() < end, "the review did not end"
        time.sleep(0.2)
    assert client.review(review_id).status == ReviewStatus.COMPLETED


async def took_steps(stack: Stack, review_ids: list[str]) -> set[str]:
    """Identities of the workers that took an activity of these reviews."""
    temporal = await Temporal.connect(stack.environment()["TEMPORAL_ADDRESS"])
    found: set[str] = set()
    for review_id in review_ids:
        history = await temporal.get_workflow_handle(f"review-{review_id}").fetch_history()
        started = EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
        found |= {e.activity_task_started_event_attributes.identity for e in history.events if e.event_type == started}
    return found


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_both_work_and_one_that_is_told_to_end_loses_nothing(stack: Stack) -> None:
    client = client_of(stack)
    source_id = client.submit_source(collect(EXAMPLES / "python-shop")).source_id
    one, two = worker(stack), worker(stack)
    try:
        undisturbed = start(client, source_id)
        wait(client, undisturbed)
        shared = [start(client, source_id) for _ in range(REVIEWS)]
        for each in shared:
            wait(client, each)
        assert len(asyncio.run(took_steps(stack, shared))) == 2
        under_load = [start(client, source_id) for _ in range(REVIEWS)]
        time.sleep(2)
        assert any(client.review(each).status == ReviewStatus.RUNNING for each in under_load)
        told_at = time.monotonic()
        one.send_signal(signal.SIGTERM)
        # Its grace of two seconds, and a moment to hand back what did not end in it.
        assert one.wait(30) == 0
        assert time.monotonic() - told_at < 30
        for each in [*shared, *under_load]:
            wait(client, each)
            assert essence(client.report(each)) == essence(client.report(undisturbed))
    finally:
        for process in (one, two):
            process.kill()
            process.wait()

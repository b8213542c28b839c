"""Starting key rotations and reading how they went, on a real Temporal server."""

import asyncio
import uuid

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from models.ids import key_rotation_workflow_id, orchestration_queue
from models.key_rotation import Ring, RingReport, RingTask, RotationRequest, RotationStatus
from models.settings import Settings
from starter.connection import connect
from starter.key_rotations import latest_rotation, start_rotation
from starter.stack.launcher import Stack
from tests.workflows import upkeep
from worker import WORKFLOWS, workflow_runner

PLAIN, ROTATING = RotationRequest(), RotationRequest(rotate=True)


@pytest.fixture
async def client(stack: Stack) -> Client:
    address = stack.environment()["TEMPORAL_ADDRESS"]
    return await connect(Settings(temporal_address=address), pydantic_data_converter, "test")


@pytest.fixture
def prefix() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


@activity.defn(name="read_key_version")
async def refused(task: RingTask) -> RingReport:
    raise ApplicationError("kek_refused", type="kek_refused", non_retryable=True)


async def ended(client: Client, prefix: str, *steps: object) -> None:
    """Let a worker end the rotation that is under way."""
    queue = orchestration_queue(prefix)
    async with Worker(
        client,
        task_queue=queue,
        workflows=WORKFLOWS,
        activities=steps,  # type: ignore[arg-type]
        workflow_runner=workflow_runner(),
    ):
        async with asyncio.timeout(30):
            while (await latest_rotation(client, prefix)).status is RotationStatus.RUNNING:
                await asyncio.sleep(0.1)


async def test_where_none_was_started_there_is_none(client: Client, prefix: str) -> None:
    with pytest.raises(LookupError):
        await latest_rotation(client, prefix)


async def test_started_at_once_there_is_one_and_it_is_told_what_that_was_asked_for(client: Client, prefix: str) -> None:
    await start_rotation(client, prefix, ROTATING)
    first = await latest_rotation(client, prefix, "http://127.0.0.1/ui")
    await asyncio.gather(*(start_rotation(client, prefix, PLAIN) for _ in range(3)))
    seen = await latest_rotation(client, prefix, "http://127.0.0.1/ui")
    assert seen == first, "not begun anew"
    assert (seen.status, seen.rotate, seen.retire, seen.report) == (RotationStatus.RUNNING, True, False, None)
    assert (seen.workflow_id, seen.workflow_url) == (key_rotation_workflow_id(prefix), "http://127.0.0.1/ui")
    await client.get_workflow_handle(seen.workflow_id).terminate()


async def test_a_rotation_that_is_done_has_its_report_and_another_may_follow(client: Client, prefix: str) -> None:
    steps = (upkeep.read_key_version, upkeep.rotate_wrapping_key, upkeep.rewrap_page, upkeep.count_keys_behind)
    await start_rotation(client, prefix, ROTATING)
    await ended(client, prefix, *steps)
    seen = await latest_rotation(client, prefix)
    assert seen.status is RotationStatus.DONE
    assert seen.report is not None
    assert [(ring.ring, ring.rotated, ring.rewrapped) for ring in seen.report.rings] == [
        (Ring.PROVIDER_KEYS, True, 3),
        (Ring.PAYLOAD_KEYS, True, 0),
    ]
    await start_rotation(client, prefix, PLAIN)
    again = await latest_rotation(client, prefix)
    assert (again.status, again.rotate) == (RotationStatus.RUNNING, False)
    await client.get_workflow_handle(again.workflow_id).terminate()


async def test_a_failed_rotation_has_its_code(client: Client, prefix: str) -> None:
    await start_rotation(client, prefix, PLAIN)
    await ended(client, prefix, refused)
    seen = await latest_rotation(client, prefix)
    assert (seen.status, seen.failure, seen.report) == (RotationStatus.FAILED, "kek_refused", None)


async def test_a_rotation_that_somebody_ended_is_failed(client: Client, prefix: str) -> None:
    await start_rotation(client, prefix, PLAIN)
    await client.get_workflow_handle(key_rotation_workflow_id(prefix)).terminate()
    seen = await latest_rotation(client, prefix)
    assert (seen.status, seen.failure) == (RotationStatus.FAILED, "rotation_ended")

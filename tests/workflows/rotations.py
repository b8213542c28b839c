"""Rotations of wrapping keys over scripted steps: long ones, keys that stay behind, and old versions retired."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from models.key_rotation import (
    PageResult,
    PageTask,
    Ring,
    RingReport,
    RingTask,
    RotationOrder,
    RotationReport,
    RotationState,
)
from tests.workflows.ending import history_of
from tests.workflows.ticks import Step, answering, down
from worker import workflow_runner
from workflows.key_rotation import KeyRotationWorkflow

PROVIDERS = RotationOrder(rings=(Ring.PROVIDER_KEYS,))


def pages(count: int, refused: int = 0) -> Step:
    """A ring of so many pages, each pass over it the same."""

    @activity.defn(name="rewrap_page")
    async def rewrap_page(task: PageTask) -> PageResult:
        number = int(task.after or 0) + 1
        return PageResult(last=str(number), rewrapped=2, refused=refused) if number <= count else PageResult(last=None)

    return rewrap_page


@activity.defn(name="read_key_version")
async def read_key_version(task: RingTask) -> RingReport:
    return RingReport(ring=task.ring, mark="vault:v2:")


async def started(
    client: Client, queue: str, order: RotationOrder = PROVIDERS
) -> WorkflowHandle[KeyRotationWorkflow, RotationReport]:
    return await client.start_workflow(KeyRotationWorkflow.run, order, id=f"key-rotation-{queue}", task_queue=queue)


def working(client: Client, queue: str, *steps: Step) -> Worker:
    every: list[Any] = [read_key_version, *steps]
    return Worker(
        client,
        task_queue=queue,
        workflows=[KeyRotationWorkflow],
        activities=every,
        workflow_runner=workflow_runner(),
    )


async def goes_on(client: Client, queue: str) -> str:
    """The first of two runs."""
    async with working(client, queue, pages(4), answering("count_keys_behind", 0)):
        handle = await started(client, queue)
        await handle.result()
    return await history_of(client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id))


async def went_on(client: Client, queue: str) -> str:
    """The second of two runs, which begins in the middle of a ring."""
    so_far = RingReport(ring=Ring.PROVIDER_KEYS, mark="vault:v2:", rewrapped=6)
    state = RotationState(current=so_far, after="3")
    async with working(client, queue, pages(4), answering("count_keys_behind", 0)):
        return await history_of(await started(client, queue, PROVIDERS.model_copy(update={"state": state})))


async def some_stay_behind(client: Client, queue: str) -> str:
    """Keys that were wrapped meanwhile are found by a second pass; what the key service refuses stays."""
    async with working(client, queue, pages(1, refused=1), answering("count_keys_behind", 3, 1)):
        return await history_of(await started(client, queue))


async def retires(client: Client, queue: str) -> str:
    """Nothing is behind: a while later old versions open nothing any more."""
    steps = answering("count_keys_behind", 0), answering("retire_key_versions", True)
    async with working(client, queue, pages(1), *steps):
        return await history_of(await started(client, queue, PROVIDERS.model_copy(update={"retire": True})))


async def waits_for_the_key_service(client: Client, queue: str) -> str:
    """A sealed key service is asked again."""
    behind = answering("count_keys_behind", down("kek_unavailable"), down("kek_unavailable"), 0)
    async with working(client, queue, pages(1), behind):
        return await history_of(await started(client, queue))


async def is_cancelled(client: Client, queue: str) -> str:
    """Between two pages."""
    reached = asyncio.Event()

    @activity.defn(name="rewrap_page")
    async def endless(task: PageTask) -> PageResult:
        reached.set()
        activity.heartbeat()
        await asyncio.sleep(3600)
        raise AssertionError

    async with working(client, queue, endless, answering("count_keys_behind", 0)):
        handle = await started(client, queue)
        await reached.wait()
        await handle.cancel()
        return await history_of(handle)


ROTATIONS: dict[str, Callable[[Client, str], Awaitable[str]]] = {
    "key-rotation-goes-on": goes_on,
    "key-rotation-went-on": went_on,
    "key-rotation-some-stay-behind": some_stay_behind,
    "key-rotation-retires": retires,
    "key-rotation-waits-for-the-key-service": waits_for_the_key_service,
    "key-rotation-is-cancelled": is_cancelled,
}
"""By the name of the recorded file."""

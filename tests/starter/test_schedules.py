"""What runs by itself, on a real server."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleOverlapPolicy,
    WorkflowExecutionStatus,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from models.health import HealthReport, HealthTick, ProvidersToCheck
from models.ids import orchestration_queue
from models.settings import Settings
from starter.connection import connect
from starter.schedules import SCHEDULES, apply_schedules
from starter.stack.launcher import Stack
from worker import workflow_runner
from workflows.health import ProviderHealthWorkflow


@pytest.fixture
async def client(stack: Stack) -> Client:
    address = stack.environment()["TEMPORAL_ADDRESS"]
    return await connect(Settings(temporal_address=address), pydantic_data_converter, "test")


@pytest.fixture
async def prefix(client: Client) -> AsyncGenerator[str, None]:
    """A prefix whose schedules are gone afterwards."""
    prefix = f"t{uuid.uuid4().hex[:12]}"
    yield prefix
    for each in SCHEDULES:
        await client.get_schedule_handle(f"{prefix}-{each.name}").delete()


async def test_applied_twice_and_at_once_there_is_one_of_each(client: Client, prefix: str) -> None:
    await asyncio.gather(*(apply_schedules(client, prefix) for _ in range(3)))
    ids = await apply_schedules(client, prefix)
    names = ("provider-health", "quota-sweep", "alert-delivery", "audit-checkpoint", "stable-monitor")
    assert ids == [f"{prefix}-{name}" for name in names]
    for schedule_id, regular in zip(ids, SCHEDULES, strict=True):
        found = (await client.get_schedule_handle(schedule_id).describe()).schedule
        assert [each.every for each in found.spec.intervals] == [regular.every]
        assert found.policy.overlap is ScheduleOverlapPolicy.SKIP
        assert found.policy.catchup_window <= min(regular.every, timedelta(minutes=10)), "one tick, not a burst"
        action = found.action
        assert isinstance(action, ScheduleActionStartWorkflow)
        assert (action.workflow, action.task_queue) == (regular.name, orchestration_queue(prefix))
        assert action.execution_timeout == regular.longest


async def test_what_somebody_paused_stays_paused(client: Client, prefix: str) -> None:
    [health, *_] = await apply_schedules(client, prefix)
    handle = client.get_schedule_handle(health)
    await handle.pause(note="the provider is being moved")
    await apply_schedules(client, prefix)
    state = (await handle.describe()).schedule.state
    assert state.paused and state.note == "the provider is being moved"


class Scripted:
    @activity.defn
    async def list_providers(self, tick: HealthTick) -> ProvidersToCheck:
        return ProvidersToCheck()


async def test_a_tick_runs_and_a_second_one_does_not_overlap_it(client: Client, prefix: str) -> None:
    [health, *_] = await apply_schedules(client, prefix)
    handle = client.get_schedule_handle(health)
    await handle.trigger()
    async with asyncio.timeout(20):
        while not (actions := (await handle.describe()).info.recent_actions):
            await asyncio.sleep(0.05)
        await handle.trigger()  # there is no worker yet, so the first one still runs
        while not (await handle.describe()).info.num_actions_skipped_overlap:
            await asyncio.sleep(0.05)
    started = actions[0].action
    assert isinstance(started, ScheduleActionExecutionStartWorkflow)
    run = client.get_workflow_handle(started.workflow_id, result_type=HealthReport)
    async with Worker(
        client,
        task_queue=orchestration_queue(prefix),
        workflows=[ProviderHealthWorkflow],
        activities=[Scripted().list_providers],
        workflow_runner=workflow_runner(),
    ):
        assert await run.result() == HealthReport()
    assert (await run.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert (await handle.describe()).info.num_actions == 1

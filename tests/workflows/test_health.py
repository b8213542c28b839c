"""The tick on a real server: fan-out, partial failure, and a history that replays."""

import uuid
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer, Worker

from models.health import Check, Health, HealthReport, HealthTick, ProvidersToCheck, ProviderToCheck
from worker import workflow_runner
from workflows.health import ProviderHealthWorkflow

HEALTHY, SICK, KEYLESS, BROKEN, FLAKY = (name[0] * 32 for name in ("a", "b", "c", "d", "e"))


class Scripted:
    """Stands in for `HealthActivities`."""

    def __init__(self) -> None:
        self.tries: dict[str, int] = {}

    @activity.defn
    async def list_providers(self, tick: HealthTick) -> ProvidersToCheck:
        ids = tick.provider_ids or (BROKEN, FLAKY, KEYLESS, SICK, HEALTHY)
        return ProvidersToCheck(providers=tuple(ProviderToCheck(id=each, name=f"p-{each[0]}") for each in ids))

    @activity.defn
    async def check_provider(self, provider_id: str) -> Check:
        self.tries[provider_id] = self.tries.get(provider_id, 0) + 1
        if provider_id == BROKEN:
            raise ApplicationError("provider_unknown", type="provider_unknown", non_retryable=True)
        if provider_id == FLAKY and self.tries[FLAKY] == 1:
            raise ApplicationError("store_unavailable", type="store_unavailable")
        if provider_id == KEYLESS:
            return Check(skipped="no_usable_key")
        health = Health(provider_id=provider_id, is_healthy=provider_id != SICK, response_time_ms=12)
        return Check(health=health)


@asynccontextmanager
async def working(client: Client, queue: str, scripted: Scripted) -> Any:
    async with Worker(
        client,
        task_queue=queue,
        workflows=[ProviderHealthWorkflow],
        activities=[scripted.list_providers, scripted.check_provider],
        workflow_runner=workflow_runner(),
    ):
        yield


async def test_one_that_cannot_be_checked_never_hides_the_others(client: Client, queue: str) -> None:
    scripted = Scripted()
    async with working(client, queue, scripted):
        handle = await client.start_workflow(
            ProviderHealthWorkflow.run, HealthTick(), id=f"health-{uuid.uuid4().hex}", task_queue=queue
        )
        report: HealthReport = await handle.result()
    assert [(each.provider_id, each.is_healthy) for each in report.checked] == [
        (HEALTHY, True),
        (SICK, False),
        (FLAKY, True),
    ]
    assert (report.skipped, report.failed) == ((KEYLESS,), (BROKEN,))
    assert (scripted.tries[BROKEN], scripted.tries[FLAKY]) == (1, 2)

    history = WorkflowHistory.from_json(handle.id, (await handle.fetch_history()).to_json())
    replayer = Replayer(
        workflows=[ProviderHealthWorkflow],
        data_converter=pydantic_data_converter,
        workflow_runner=workflow_runner(),
    )
    await replayer.replay_workflow(history)


async def test_only_those_asked_for(client: Client, queue: str) -> None:
    scripted = Scripted()
    async with working(client, queue, scripted):
        report = await client.execute_workflow(
            ProviderHealthWorkflow.run,
            HealthTick(provider_ids=(SICK,)),
            id=f"health-{uuid.uuid4().hex}",
            task_queue=queue,
        )
    assert [each.provider_id for each in report.checked] == [SICK] and list(scripted.tries) == [SICK]

"""One tick of the sweep on a real server."""

import uuid
from collections.abc import Callable

from temporalio.client import Client
from temporalio.worker import Worker

from activities.ports import StoreUnavailable
from activities.quota_sweep import QuotaSweepActivities
from models.reservation import SweepOrder, SweepReport
from worker import workflow_runner
from workflows.quota import QuotaSweepWorkflow

FOUND = SweepReport(looked_at=5, left=1, released=2, resolved=2, counters_compared=8, counters_corrected=1)


class ScriptedSweeper:
    def __init__(self, *outcomes: SweepReport | Exception) -> None:
        self._outcomes = list(outcomes)
        self.graces: list[int] = []

    async def sweep(self, grace_seconds: int, beat: Callable[[], None]) -> SweepReport:
        self.graces.append(grace_seconds)
        beat()
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def test_a_tick_outlasts_a_database_that_is_down_and_tells_what_it_did(client: Client, queue: str) -> None:
    sweeper = ScriptedSweeper(StoreUnavailable(), FOUND)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[QuotaSweepWorkflow],
        activities=[QuotaSweepActivities(sweeper).sweep_reservations],
        workflow_runner=workflow_runner(),
    )
    async with worker:
        report = await client.execute_workflow(
            "quota-sweep", SweepOrder(grace_seconds=61), id=uuid.uuid4().hex, task_queue=queue, result_type=SweepReport
        )
    assert report == FOUND and sweeper.graces == [61, 61]

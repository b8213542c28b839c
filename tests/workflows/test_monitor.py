"""A tick of the monitor on a real server."""

import uuid

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from models.monitor import MonitorOrder, MonitorReport, StableTick, TrialTick
from worker import workflow_runner
from workflows.monitor import StableMonitorWorkflow

STABLE = StableTick(version=2, reviews=50, errors=9, breached=True, alerted=True, rolled_back_to=1)
TRIALS = TrialTick(compared=4, stopped="a" * 32)


class Scripted:
    """Stands in for `MonitorActivities`."""

    def __init__(self, away: int = 0, broken: bool = False) -> None:
        self.away = away
        self.broken = broken
        self.steps: list[str] = []

    @activity.defn
    async def watch_stable(self, order: MonitorOrder) -> StableTick:
        self.steps.append("stable")
        if len(self.steps) <= self.away:
            raise ApplicationError("store_unavailable", type="store_unavailable")
        return STABLE

    @activity.defn
    async def follow_trials(self, order: MonitorOrder) -> TrialTick:
        self.steps.append(f"trials {order.pairs}")
        if self.broken:
            raise ApplicationError("internal", type="internal", non_retryable=True)
        return TRIALS


async def ticked(client: Client, queue: str, scripted: Scripted) -> tuple[MonitorReport, str]:
    """Its report, and what the Temporal UI shows."""
    async with Worker(
        client,
        task_queue=queue,
        workflows=[StableMonitorWorkflow],
        activities=[scripted.watch_stable, scripted.follow_trials],
        workflow_runner=workflow_runner(),
    ):
        handle = await client.start_workflow(
            StableMonitorWorkflow.run, MonitorOrder(pairs=7), id=uuid.uuid4().hex, task_queue=queue
        )
        report = await handle.result()
        return report, str(await handle.query("__temporal_workflow_metadata", result_type=dict))


async def test_a_tick_outlasts_a_store_that_is_away_and_tells_what_it_did(client: Client, queue: str) -> None:
    scripted = Scripted(away=1)
    report, shown = await ticked(client, queue, scripted)
    assert report == MonitorReport(trials=TRIALS, stable=STABLE)
    assert scripted.steps == ["stable", "stable", "trials 7"]
    assert "9 errors in 50 reviews: too many; version 1 is stable again" in shown
    assert f"4 pairs compared; trial {'a' * 32} was stopped" in shown


async def test_a_trial_that_cannot_be_compared_keeps_nobody_from_the_alert(client: Client, queue: str) -> None:
    scripted = Scripted(broken=True)
    with pytest.raises(WorkflowFailureError):
        await ticked(client, queue, scripted)
    assert scripted.steps == ["stable", "trials 7"]

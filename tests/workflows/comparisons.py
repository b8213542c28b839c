"""A comparison whose runs say at once how they ended, and the situations of it whose histories are kept."""

import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from models.comparison import (
        ComparisonOrder,
        ComparisonOutcome,
        ComparisonStatus,
        ComparisonStatusTask,
        ComparisonSummary,
        ComparisonTask,
        Recommendation,
    )
    from models.experiment import ExperimentOrder, ExperimentOutcome, ExperimentStatus
    from tests.workflows.ending import history_of
    from tests.workflows.experiment_rig import until
    from worker import workflow_runner
    from workflows.comparison import ComparisonWorkflow


@workflow.defn(name="experiment")
class Run:
    """A run that takes as long as the comparison's name says; the one whose id begins with `bad` is refused."""

    @workflow.run
    async def run(self, order: ExperimentOrder) -> ExperimentOutcome:
        assert not order.gated
        await workflow.execute_activity("began", order.experiment_id, start_to_close_timeout=timedelta(seconds=10))
        if order.name == "long":
            await workflow.sleep(timedelta(hours=1))
        refused = order.experiment_id.startswith("bad")
        return ExperimentOutcome(
            experiment_id=order.experiment_id,
            status=ExperimentStatus.QUARANTINED if refused else ExperimentStatus.MEASURED,
            failure="config_quarantined" if refused else None,
        )


class Rig:
    """What the steps were asked for."""

    def __init__(self, rounds: int = 1, name: str = "short", bad: int | None = None) -> None:
        ids = [[uuid.uuid4().hex, uuid.uuid4().hex] for _ in range(rounds)]
        if bad is not None:
            ids[bad][1] = f"bad{ids[bad][1][3:]}"
        self.rounds = tuple((one, other) for one, other in ids)
        self.name = name
        self.began: list[str] = []
        self.noted: list[tuple[ComparisonStatus, str | None]] = []
        self.compared = 0
        self.broken = False

    @activity.defn(name="began")
    async def begin(self, experiment_id: str) -> None:
        self.began.append(experiment_id)

    @activity.defn
    async def compare_runs(self, task: ComparisonTask) -> ComparisonSummary:
        self.compared += 1
        if self.broken:
            raise ApplicationError("experiment_unknown", type="experiment_unknown", non_retryable=True)
        return ComparisonSummary(recommendation=Recommendation.HOLD, confidence=0.95, pairs=10)

    @activity.defn
    async def note_comparison(self, task: ComparisonStatusTask) -> ComparisonStatus:
        self.noted.append((task.status, task.failure))
        return task.status

    @asynccontextmanager
    async def at_work(self, client: Client, queue: str) -> AsyncGenerator[None, None]:
        """A worker for as long as the context lasts."""
        async with Worker(
            client,
            task_queue=queue,
            workflows=[ComparisonWorkflow, Run],
            activities=[self.begin, self.compare_runs, self.note_comparison],
            workflow_runner=workflow_runner(),
        ):
            yield

    async def start(self, client: Client, queue: str) -> WorkflowHandle[ComparisonWorkflow, ComparisonOutcome]:
        order = ComparisonOrder(
            comparison_id=uuid.uuid4().hex,
            name=self.name,
            rounds=self.rounds,
            samples=10,
            analysis_queue=queue,
            models_queue=queue,
        )
        return await client.start_workflow(
            ComparisonWorkflow.run, order, id=f"comparison-{order.comparison_id}", task_queue=queue
        )


async def completes(client: Client, queue: str) -> str:
    """Two rounds, then the statistics."""
    rig = Rig(rounds=2)
    async with rig.at_work(client, queue):
        handle = await rig.start(client, queue)
        await handle.result()
    return (await handle.fetch_history()).to_json()


async def is_cancelled(client: Client, queue: str) -> str:
    """While both sides are under way."""
    rig = Rig(name="long")
    async with rig.at_work(client, queue):
        handle = await rig.start(client, queue)
        await until(lambda: len(rig.began) == 2)
        await handle.cancel()
        with suppress(WorkflowFailureError):
            await handle.result()
    return (await handle.fetch_history()).to_json()


async def is_refused(client: Client, queue: str) -> str:
    """One run ends without results; the other one is cancelled."""
    rig = Rig(bad=0)
    async with rig.at_work(client, queue):
        handle = await rig.start(client, queue)
        await handle.result()
    return (await handle.fetch_history()).to_json()


async def of_recorded_runs(client: Client, queue: str) -> str:
    """Both sides were measured before: nothing runs but the statistics."""
    rig = Rig(rounds=0)
    async with rig.at_work(client, queue):
        return await history_of(await rig.start(client, queue))


async def has_no_statistics(client: Client, queue: str) -> str:
    """The runs are over, and their results cannot be compared."""
    rig = Rig()
    rig.broken = True
    async with rig.at_work(client, queue):
        return await history_of(await rig.start(client, queue))


COMPARISONS: dict[str, Callable[[Client, str], Awaitable[str]]] = {
    "comparison-completes": completes,
    "comparison-is-cancelled": is_cancelled,
    "comparison-is-refused": is_refused,
    "comparison-of-recorded-runs": of_recorded_runs,
    "comparison-has-no-statistics": has_no_statistics,
}
"""By the name of the recorded file."""

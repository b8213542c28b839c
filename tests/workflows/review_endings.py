"""Reviews that do not simply come to their report: ended from outside, out of time, repeated, or broken."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.ports import StoreUnavailable, Text
from activities.review import ReviewActivities
from models.config import OrchestratorConfig
from models.ids import review_workflow_id
from models.order import ReviewOutcome
from models.review import ReviewMode
from tests.fakes import MemoryReviews, MemorySources, ScriptedAnalyst, ScriptedModels, order
from tests.workflows.ending import at_rest, history_of
from tests.workflows.experiment_rig import BROKEN, Sources, World, until
from tests.workflows.situations import FAILED, SEC
from worker import workflow_runner
from workflows.review import ReviewWorkflow

Handle = WorkflowHandle[ReviewWorkflow, ReviewOutcome]


class Parts:
    """What a review works with, where one part may misbehave."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.analyst = ScriptedAnalyst({}, seconds)
        self.models = ScriptedModels({SEC: [FAILED]})
        self.sources: MemorySources = Sources()
        self.reviews = MemoryReviews()

    @asynccontextmanager
    async def at_work(self, client: Client, queue: str) -> AsyncGenerator[None, None]:
        """A worker for as long as the context lasts."""
        acts = ReviewActivities(self.analyst, self.models, self.sources, self.reviews, "test")
        async with Worker(
            client,
            task_queue=queue,
            workflows=[ReviewWorkflow],
            activities=[acts.analyse_source, acts.consult_model, acts.judge_panel, acts.publish_report],
            workflow_runner=workflow_runner(),
        ):
            yield


async def started(
    client: Client, queue: str, mode: ReviewMode = ReviewMode.PARALLEL, lives: timedelta | None = None, **changes: Any
) -> Handle:
    what = order(mode, queue, **changes)
    return await client.start_workflow(
        ReviewWorkflow.run,
        what,
        id=f"review-{queue}",
        task_queue=queue,
        execution_timeout=lives,
        task_timeout=timedelta(seconds=1),
    )


async def cancelled(client: Client, queue: str) -> str:
    """While two experts are at work."""
    parts = Parts(seconds=30)
    async with parts.at_work(client, queue):
        handle = await started(client, queue, experts=("security", "quality"))
        await until(lambda: parts.analyst.at_work == 2)
        await handle.cancel()
        return await history_of(handle)


async def cancelled_while_waiting(client: Client, queue: str) -> str:
    """An expert is to be asked again, and waits for that."""
    parts = Parts()
    slow = OrchestratorConfig.model_validate({"backtrack": {"first_backoff_seconds": 30.0}})
    async with parts.at_work(client, queue):
        handle = await started(
            client, queue, ReviewMode.BACKTRACK, experts=(SEC,), models_routed=True, prepared=True, config=slow
        )
        await at_rest(handle)
        await handle.cancel()
        return await history_of(handle)


async def out_of_time(client: Client, queue: str) -> str:
    """The whole review takes longer than it may."""
    parts = Parts(seconds=30)
    async with parts.at_work(client, queue):
        return await history_of(await started(client, queue, experts=(SEC,), lives=timedelta(seconds=1.5)))


async def step_out_of_time(client: Client, queue: str) -> str:
    """One expert takes longer than it may: the report is partial."""
    parts = Parts(seconds=30)
    async with parts.at_work(client, queue):
        return await history_of(await started(client, queue, experts=(SEC,)))


async def worker_killed(client: Client, queue: str) -> str:
    """The worker dies by SIGKILL in the middle of a step; another one does it anew."""
    address = client.service_client.config.target_host
    program = (sys.executable, "-m", "tests.workflows.doomed", address, queue)
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    try:
        handle = await started(client, queue, experts=(SEC,))
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"at work\n"
    finally:
        process.kill()
        await process.wait()
    async with Parts().at_work(client, queue):
        return await history_of(handle)


class Down(MemoryReviews):
    """A store that is down at first."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 2

    async def start_expert(self, review_id: str, expert: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        return await super().start_expert(review_id, expert)


async def store_down(client: Client, queue: str) -> str:
    """A step is repeated until the store is there."""
    parts = Parts()
    parts.reviews = Down()
    async with parts.at_work(client, queue):
        return await history_of(await started(client, queue, experts=(SEC,)))


async def source_gone(client: Client, queue: str) -> str:
    """Without its source a review has no report, and fails."""
    async with Parts().at_work(client, queue):
        return await history_of(await started(client, queue, experts=(SEC,), source_id=BROKEN))


class GoneMeanwhile(MemorySources):
    """Found by analysers, and not read any more."""

    async def lines(self, source_id: str) -> Text:
        return await Sources().lines(BROKEN)


async def meta_fails(client: Client, queue: str) -> str:
    """In backtrack mode meta has a step of its own, and the model half breaks with it."""
    parts = Parts()
    parts.sources = GoneMeanwhile()
    async with parts.at_work(client, queue):
        given = {"experts": ("security", "meta"), "models_routed": True}
        return await history_of(await started(client, queue, ReviewMode.BACKTRACK, **given))


async def of_a_sample(client: Client, queue: str) -> str:
    """The child of an experiment."""
    world = World(1)
    world.unprepared = {0}
    async with world.at_work(client, queue):
        await (await world.start(client, queue)).result()
    return await history_of(client.get_workflow_handle(review_workflow_id(world.id_of(0))))


ENDINGS: dict[str, Callable[[Client, str], Awaitable[str]]] = {
    "review-is-cancelled": cancelled,
    "review-is-cancelled-while-waiting": cancelled_while_waiting,
    "review-out-of-time": out_of_time,
    "review-step-out-of-time": step_out_of_time,
    "review-worker-killed": worker_killed,
    "review-store-down": store_down,
    "review-source-gone": source_gone,
    "review-meta-fails": meta_fails,
    "review-of-a-sample": of_a_sample,
}
"""By the name of the recorded file."""

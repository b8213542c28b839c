"""Both sides of the orchestration benchmark: reviews and bare workflows for one worker process."""

import asyncio
import secrets
import subprocess
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.client import Client as TemporalClient
from temporalio.client import WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from benchmarks.bare import BareWorkflow
from benchmarks.instant_worker import READY, bare_queue, telemetry_by
from models.ids import analysis_queue, models_queue, review_workflow_id
from models.review import ReviewMode
from models.reviewer_config import ReviewerConfig
from models.settings import Settings
from models.source import SourceManifest
from models.submission import ReviewSubmission, order_of
from starter.composition import Services, services
from starter.connection import connect
from starter.intake.accept import accept
from starter.intake.collect import collect
from starter.reviews import start_review
from starter.stack.launcher import Stack

SAMPLE = Path(__file__).parent.parent / "examples" / "python-shop"
OWNER = "benchmark"


class Sides:
    """Starts one or the other and waits for its end."""

    def __init__(self, parts: Services, plain: TemporalClient, manifest: SourceManifest, worker_pid: int) -> None:
        self._parts = parts
        self._plain = plain
        self._manifest = manifest
        self.worker_pid = worker_pid

    async def review(self, mode: ReviewMode = ReviewMode.PARALLEL) -> str:
        """One review from its acceptance to its end; returns the id of its workflow."""
        prefix = self._parts.settings.task_queue
        order = order_of(
            ReviewSubmission(source_id=self._manifest.source_id, mode=mode, experts="all"),
            self._manifest,
            review_id=uuid.uuid4().hex,
            config=ReviewerConfig(),
            models_routed=False,
            analysis_queue=analysis_queue(prefix),
            models_queue=models_queue(prefix),
        )
        await self._parts.reviews.accept(OWNER, order, "0" * 64, None)
        await start_review(self._parts.temporal, prefix, order)
        name = review_workflow_id(order.review_id)
        await self._parts.temporal.get_workflow_handle(name).result()
        return name

    async def bare(self) -> str:
        """One bare workflow."""
        name = f"bare-{uuid.uuid4().hex}"
        queue = bare_queue(self._parts.settings.task_queue)
        await self._plain.execute_workflow(BareWorkflow.run, id=name, task_queue=queue)
        return name

    async def history(self, name: str) -> tuple[int, int]:
        """Events and bytes of a workflow's history."""
        handle: WorkflowHandle[object, object] = self._parts.temporal.get_workflow_handle(name)
        info = (await handle.describe()).raw_description.workflow_execution_info
        return info.history_length, info.history_size_bytes


@asynccontextmanager
async def sides(stack: Stack, step: float = 0.0, measured: str = "quiet") -> AsyncGenerator[Sides, None]:
    """A worker process of our own on queues of its own, and both sides that use it.

    Args:
        stack: whose servers are used; its own worker stays idle.
        step: seconds that each expert takes longer than the one before.
        measured: by what, see `instant_worker.telemetry_by`.
    """
    prefix = f"bench-{secrets.token_hex(4)}"
    settings = Settings(task_queue=prefix)
    argv = [sys.executable, "-m", "benchmarks.instant_worker", prefix, str(step), measured]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin and worker.stdout
        if (await asyncio.to_thread(worker.stdout.readline)).strip() != READY:
            raise RuntimeError("the worker of the benchmark did not start")
        try:
            async with services(settings, "api", telemetry_by(settings, measured)) as parts:
                plain = await connect(settings, pydantic_data_converter, "conclave-bare")
                source = accept(collect(SAMPLE), source_id=uuid.uuid4().hex)
                manifest = await parts.sources.save(OWNER, source)
                yield Sides(parts, plain, manifest, worker.pid)
        finally:
            worker.stdin.close()

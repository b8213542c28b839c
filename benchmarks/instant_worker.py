"""A worker of the orchestration benchmark, in a process of its own: real stores, experts that answer at once."""

import asyncio
import sys
from collections.abc import Sequence

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from activities.ports import SourceBatch, SourceTree
from benchmarks.bare import BareWorkflow, answer
from models.expert import CoverageEntry, CoverageStatus, ExpertName, StaticResult
from models.settings import Settings
from starter.composition import services
from starter.connection import connect
from starter.telemetry import QUIET, Telemetry, telemetry_of
from worker import activities_of, workers, workflow_runner

READY = "ready"


def bare_queue(prefix: str) -> str:
    """Task queue of the bare workflow."""
    return f"{prefix}-bare"


class InstantAnalyst:
    """Has read everything and found nothing, after a wait that grows from expert to expert."""

    def __init__(self, step: float) -> None:
        self._step = step

    async def analyse(self, expert: ExpertName, tree: SourceTree, tools_off: Sequence[str] = ()) -> StaticResult:
        """Answer; see `activities.ports.Analyst`."""
        await asyncio.sleep(self._step * list(ExpertName).index(expert))
        coverage = tuple(
            CoverageEntry(expert=expert, path=file.path, status=CoverageStatus.ANALYSED, tools=("instant",))
            for file in tree.manifest.files
        )
        return StaticResult(expert=expert, coverage=coverage)

    async def analyse_many(
        self, expert: ExpertName, batch: SourceBatch, tools_off: Sequence[str] = ()
    ) -> list[StaticResult]:
        """The same for each source of a batch; see `activities.ports.BatchAnalyst`."""
        return [await self.analyse(expert, tree) for tree in batch.trees]


def telemetry_by(settings: Settings, measured: str) -> Telemetry:
    """What measures a side: nothing (`quiet`), metrics (`metrics`), or traces to a collector too (its address)."""
    if measured == "quiet":
        return QUIET
    collector = None if measured == "metrics" else measured
    return telemetry_of(settings.model_copy(update={"otlp_endpoint": collector}), "worker")


async def serve(prefix: str, step: float, measured: str) -> None:
    """Work on the queues of a prefix until standard input closes."""
    settings = Settings(task_queue=prefix)
    async with services(settings, "worker", telemetry_by(settings, measured)) as parts:
        analyst = InstantAnalyst(step)
        acts = activities_of(parts, analyst, analyst)
        plain = await connect(settings, pydantic_data_converter, "conclave-bare")
        bare = Worker(
            plain,
            task_queue=bare_queue(prefix),
            workflows=[BareWorkflow],
            activities=[answer],
            workflow_runner=workflow_runner(),
        )
        running = [*workers(parts, acts), bare]
        tasks = [asyncio.create_task(each.run()) for each in running]
        print(READY, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await asyncio.gather(*(each.shutdown() for each in running))
        await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2]), sys.argv[3]))

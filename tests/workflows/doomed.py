"""A worker for reviews that is to be killed: it says when it is at work, and never ends it.

python -m tests.workflows.doomed ADDRESS QUEUE
"""

import asyncio
import sys
from collections.abc import Sequence

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from activities.ports import SourceTree
from activities.review import ReviewActivities
from models.expert import ExpertName, StaticResult
from tests.fakes import MemoryReviews, MemorySources, ScriptedModels
from worker import workflow_runner
from workflows.review import ReviewWorkflow


class Endless:
    """Analysers that hang."""

    async def analyse(self, expert: ExpertName, tree: SourceTree, tools_off: Sequence[str] = ()) -> StaticResult:
        print("at work", flush=True)
        await asyncio.sleep(3600)
        raise AssertionError


async def work(address: str, queue: str) -> None:
    client = await Client.connect(address, data_converter=pydantic_data_converter, identity="doomed")
    acts = ReviewActivities(Endless(), ScriptedModels({}), MemorySources(), MemoryReviews(), "test")
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[ReviewWorkflow],
        activities=[acts.analyse_source],
        workflow_runner=workflow_runner(),
        build_id="test",
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:3]))

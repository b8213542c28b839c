"""The task queues as Temporal sees them: how much waits, and who takes it."""

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse
from temporalio.client import Client

from models.ids import Queue, queue_name
from models.metrics import BACKLOG, BACKLOG_AGE, POLLERS, Measurement, Work
from models.worker_health import POLL_MEMORY

MEASURING_SECONDS = timedelta(seconds=2)

LISTED = (
    (Queue.ORCHESTRATION, Work.WORKFLOW),
    (Queue.ORCHESTRATION, Work.ACTIVITY),
    (Queue.ANALYSIS, Work.ACTIVITY),
    (Queue.MODELS, Work.ACTIVITY),
)
"""What our workers poll."""
TYPE_OF = {
    Work.WORKFLOW: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    Work.ACTIVITY: TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}


async def pollers(client: Client, prefix: str, queue: Queue, patience: timedelta = timedelta(seconds=5)) -> set[str]:
    """Identities of the workers that poll a queue, by their polls of the last 75 seconds.

    The server keeps a poller in its list for a while after it has gone, so one that ended is seen to be gone only when
    its last poll is too old.

    Raises:
        RPCError: Temporal cannot be reached.
    """
    # Workflows are what the orchestration queue is for; a worker polls it for its short steps as well.
    work = Work.WORKFLOW if queue is Queue.ORCHESTRATION else Work.ACTIVITY
    return _asking(await _described(client, prefix, queue, work, patience))


async def queue_standing(client: Client, prefix: str) -> list[Measurement]:
    """Backlog (tasks), its age (seconds) and the pollers of every queue.

    Raises:
        RPCError: Temporal cannot be reached.
    """
    found = await asyncio.gather(*(_measured(client, prefix, queue, work) for queue, work in LISTED))
    return [measurement for each in found for measurement in each]


async def _measured(client: Client, prefix: str, queue: Queue, work: Work) -> list[Measurement]:
    told = await _described(client, prefix, queue, work, MEASURING_SECONDS)
    age = told.stats.approximate_backlog_age
    labels = {"queue": queue, "work": work}
    return [
        Measurement(BACKLOG, told.stats.approximate_backlog_count, labels),
        Measurement(BACKLOG_AGE, age.seconds + age.nanos / 1e9, labels),
        Measurement(POLLERS, len(_asking(told)), labels),
    ]


async def _described(
    client: Client, prefix: str, queue: Queue, work: Work, patience: timedelta
) -> DescribeTaskQueueResponse:
    return await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue_name(prefix, queue)),
            task_queue_type=TYPE_OF[work],
            report_stats=True,
        ),
        timeout=patience,
    )


def _asking(told: DescribeTaskQueueResponse) -> set[str]:
    since = datetime.now(UTC) - POLL_MEMORY
    return {each.identity for each in told.pollers if each.last_access_time.ToDatetime(tzinfo=UTC) >= since}

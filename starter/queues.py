"""How much waits in the task queues, and whether anybody takes it, by Temporal's own word."""

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from models.ids import analysis_queue, models_queue, orchestration_queue
from models.metrics import BACKLOG, BACKLOG_AGE, POLLERS, Measurement, Queue, Work

ASK_SECONDS = timedelta(seconds=2)
RECENT = timedelta(seconds=90)
"""A worker asks again at least once a minute; Temporal remembers one for five."""

LISTED = (
    (Queue.ORCHESTRATION, Work.WORKFLOW),
    (Queue.ORCHESTRATION, Work.ACTIVITY),
    (Queue.ANALYSIS, Work.ACTIVITY),
    (Queue.MODELS, Work.ACTIVITY),
)
"""What our workers poll."""
NAME_OF = {Queue.ORCHESTRATION: orchestration_queue, Queue.ANALYSIS: analysis_queue, Queue.MODELS: models_queue}
TYPE_OF = {
    Work.WORKFLOW: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    Work.ACTIVITY: TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}


async def queue_standing(client: Client, prefix: str) -> list[Measurement]:
    """Backlog, its age and the pollers of every queue.

    Raises:
        RPCError: Temporal cannot be reached.
    """
    found = await asyncio.gather(*(_of_queue(client, prefix, queue, work) for queue, work in LISTED))
    return [measurement for each in found for measurement in each]


async def _of_queue(client: Client, prefix: str, queue: Queue, work: Work) -> list[Measurement]:
    told = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=NAME_OF[queue](prefix)),
            task_queue_type=TYPE_OF[work],
            report_stats=True,
        ),
        timeout=ASK_SECONDS,
    )
    since = datetime.now(UTC) - RECENT
    asking = sum(each.last_access_time.ToDatetime(UTC) >= since for each in told.pollers)
    age = told.stats.approximate_backlog_age
    labels = {"queue": queue, "work": work}
    return [
        Measurement(BACKLOG, told.stats.approximate_backlog_count, labels),
        Measurement(BACKLOG_AGE, age.seconds + age.nanos / 1e9, labels),
        Measurement(POLLERS, asking, labels),
    ]

"""Who takes tasks from a queue, as Temporal sees it."""

from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from models.ids import Queue, queue_name
from models.worker_health import POLL_MEMORY


async def pollers(client: Client, prefix: str, queue: Queue, patience: timedelta = timedelta(seconds=5)) -> set[str]:
    """Identities of the workers that poll a queue, by their polls of the last 75 seconds.

    The server keeps a poller in its list for a while after it has gone, so one that ended is seen to be gone only when
    its last poll is too old.

    Raises:
        RPCError: Temporal cannot be reached.
    """
    # Workflows are what the orchestration queue is for; a worker polls it for its short steps as well.
    kind = (
        TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
        if queue is Queue.ORCHESTRATION
        else TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    )
    found = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue_name(prefix, queue)),
            task_queue_type=kind,
        ),
        timeout=patience,
    )
    now = datetime.now(UTC)
    return {
        each.identity for each in found.pollers if now - each.last_access_time.ToDatetime(tzinfo=UTC) <= POLL_MEMORY
    }

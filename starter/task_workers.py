"""Workers of the task queues: how many tasks at once, how they are polled for, and as which version they work."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib import metadata
from typing import Any

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import PollerBehaviorAutoscaling, Worker, WorkerDeploymentConfig

from models.ids import Queue, queue_name
from models.settings import Settings
from starter.workflow_runner import workflow_runner

BUILD = f"conclave-{metadata.version('conclave')}"
"""Told to Temporal; without it the SDK reads all our modules and those of our libraries to make one."""

NO_DEPLOYMENT = "conclave"
"""Name that stands beside the build of workers that take part in no deployment."""

FIRST_POLLERS = 5

BEATS = timedelta(seconds=1)
"""Heartbeats of steps leave the process this often, not only every 0.8 heartbeat timeouts."""

STICKY = timedelta(seconds=2)
"""A worker that was killed should not hold its workflows back for the default ten seconds."""


def deployment(settings: Settings) -> WorkerDeploymentConfig:
    """As which version of which deployment a worker takes tasks.

    Without a deployment it takes any task and its build is for people to read. A workflow says itself whether it stays
    with the version that began it (`versioning_behavior` in `workflows/`).
    """
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.worker_deployment or NO_DEPLOYMENT, settings.build_id or BUILD),
        use_worker_versioning=settings.worker_deployment is not None,
        default_versioning_behavior=VersioningBehavior.UNSPECIFIED,
    )


def steps_at_once(settings: Settings, queue: Queue) -> int:
    """How many activities of a queue one process works on at a time."""
    return {
        Queue.ORCHESTRATION: settings.short_steps_at_once,
        Queue.ANALYSIS: settings.analyses_at_once,
        Queue.MODELS: settings.model_calls_at_once,
    }[queue]


def task_worker(
    client: Client,
    settings: Settings,
    queue: Queue,
    activities: Sequence[Callable[..., Any]],
    workflows: Sequence[type] = (),
) -> Worker:
    """The worker of one queue.

    Args:
        client: connected to the namespace whose tasks it takes.
        settings: prefix of the queues, slots, pollers, version, grace.
        queue: which one.
        activities: the steps it runs.
        workflows: the processes it runs.
    """
    pollers = PollerBehaviorAutoscaling(
        minimum=1, initial=min(FIRST_POLLERS, settings.pollers_at_most), maximum=settings.pollers_at_most
    )
    version = deployment(settings)
    return Worker(
        client,
        task_queue=queue_name(settings.task_queue, queue),
        workflows=workflows,
        activities=activities,
        workflow_runner=workflow_runner(version.use_worker_versioning),
        max_concurrent_workflow_tasks=settings.workflow_tasks_at_once if workflows else None,
        max_cached_workflows=settings.cached_workflows,
        max_concurrent_activities=steps_at_once(settings, queue),
        workflow_task_poller_behavior=pollers,
        activity_task_poller_behavior=pollers,
        deployment_config=version,
        sticky_queue_schedule_to_start_timeout=STICKY,
        max_heartbeat_throttle_interval=BEATS,
        default_heartbeat_throttle_interval=BEATS,
        graceful_shutdown_timeout=timedelta(seconds=settings.worker_grace_seconds),
    )

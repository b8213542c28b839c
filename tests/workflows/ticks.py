"""What schedules start, where it does not go as usual: steps answer from a script."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from models.alert import DeliveryOrder, DeliveryReport
from models.audit import AuditProblem, AuditVerdict
from models.audit_views import CheckpointOrder, CheckpointReport
from models.health import HealthTick, ProvidersToCheck
from models.monitor import MonitorOrder, StableTick, TrialTick
from models.reservation import SweepOrder, SweepReport
from tests.workflows.ending import history_of
from worker import WORKFLOWS, workflow_runner

Step = Callable[[Any], Awaitable[Any]]
BROKEN = AuditVerdict(intact=False, total=3, verified=2, first_bad_seq=3, problem=AuditProblem.CHANGED)


def refused(code: str) -> ApplicationError:
    """A step that is not tried again."""
    return ApplicationError(code, type=code, non_retryable=True)


def down(code: str = "store_unavailable") -> ApplicationError:
    """A step that is tried again."""
    return ApplicationError(code, type=code)


def answering(name: str, *answers: Any) -> Step:
    """A step that answers with one after the other, then always with the last; an exception is raised."""
    left = list(answers)

    @activity.defn(name=name)
    async def step(_task: Any) -> Any:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return step


async def run_tick(workflow: str, order: object, steps: Callable[[], list[Step]], client: Client, queue: str) -> str:
    """One process with scripted steps; returns its history."""
    async with Worker(
        client, task_queue=queue, workflows=WORKFLOWS, activities=steps(), workflow_runner=workflow_runner()
    ):
        return await history_of(await client.start_workflow(workflow, order, id=f"tick-{queue}", task_queue=queue))


def _audit(answer: object) -> Callable[[Client, str], Awaitable[str]]:
    return partial(run_tick, "audit-checkpoint", CheckpointOrder(), lambda: [answering("write_checkpoint", answer)])


def _monitor(stable: object, *trials: object) -> Callable[[Client, str], Awaitable[str]]:
    return partial(
        run_tick,
        "stable-monitor",
        MonitorOrder(),
        lambda: [answering("watch_stable", stable), answering("follow_trials", *trials)],
    )


TICKS: dict[str, Callable[[Client, str], Awaitable[str]]] = {
    "alert-delivery-to-nobody": partial(
        run_tick, "alert-delivery", DeliveryOrder(), lambda: [answering("deliver_alerts", DeliveryReport(postponed=2))]
    ),
    "alert-delivery-left-to-the-next": partial(
        run_tick, "alert-delivery", DeliveryOrder(), lambda: [answering("deliver_alerts", refused("internal"))]
    ),
    "quota-sweep-again-after-a-failure": partial(
        run_tick,
        "quota-sweep",
        SweepOrder(),
        lambda: [answering("sweep_reservations", down(), SweepReport(looked_at=1, left=1))],
    ),
    "audit-checkpoint-of-a-changed-chain": _audit(CheckpointReport(verdict=BROKEN)),
    "audit-checkpoint-without-the-key-service": _audit(refused("kek_unavailable")),
    "stable-monitor-sees-nothing": _monitor(StableTick(version=1, reviews=20), TrialTick()),
    "stable-monitor-may-not-roll-back": _monitor(
        StableTick(version=2, reviews=50, errors=9, breached=True, alerted=True, refused="no_previous_version"),
        down(),
        TrialTick(compared=3, stopped="a" * 32),
    ),
    "stable-monitor-is-left-to-the-next": _monitor(refused("internal"), TrialTick()),
    "provider-health-without-providers": partial(
        run_tick,
        "provider-health",
        HealthTick(),
        lambda: [answering("list_providers", ProvidersToCheck(providers=())), answering("check_provider", None)],
    ),
    "provider-health-cannot-list": partial(
        run_tick, "provider-health", HealthTick(), lambda: [answering("list_providers", refused("internal"))]
    ),
}
"""By the name of the recorded file."""

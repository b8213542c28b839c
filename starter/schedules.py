"""What runs by itself, and how often."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from models.alert import DeliveryOrder
from models.audit_views import CheckpointOrder
from models.health import HealthTick
from models.ids import orchestration_queue
from models.monitor import MonitorOrder
from models.reservation import SweepOrder
from models.wire import Wire
from workflows.alert import AlertDeliveryWorkflow
from workflows.audit import AuditCheckpointWorkflow
from workflows.health import ProviderHealthWorkflow
from workflows.monitor import StableMonitorWorkflow
from workflows.quota import QuotaSweepWorkflow


@dataclass(frozen=True, slots=True)
class Regular:
    """One process that is started again and again; a tick that would overlap the one before is left out."""

    name: str
    run: Callable[..., Any]
    order: Wire
    every: timedelta
    """Also how long a missed tick is made up for: after a while without a server comes one tick and no burst."""
    longest: timedelta
    """A tick that hangs, for example on code that cannot replay it, is ended: it would hold back all others."""
    summary: str


SCHEDULES: Sequence[Regular] = (
    Regular(
        name="provider-health",
        run=ProviderHealthWorkflow.run,
        order=HealthTick(),
        every=timedelta(minutes=5),
        longest=timedelta(minutes=15),
        summary="check the health of every provider",
    ),
    Regular(
        name="quota-sweep",
        run=QuotaSweepWorkflow.run,
        order=SweepOrder(),
        every=timedelta(minutes=5),
        longest=timedelta(minutes=30),
        summary="end what dead processes left open in the ledger",
    ),
    Regular(
        name="alert-delivery",
        run=AlertDeliveryWorkflow.run,
        order=DeliveryOrder(),
        every=timedelta(minutes=1),
        longest=timedelta(hours=1),
        summary="deliver alerts",
    ),
    Regular(
        name="audit-checkpoint",
        run=AuditCheckpointWorkflow.run,
        order=CheckpointOrder(),
        every=timedelta(minutes=5),
        longest=timedelta(minutes=30),
        summary="sign the head of the audit chain when it is due",
    ),
    Regular(
        name="stable-monitor",
        run=StableMonitorWorkflow.run,
        order=MonitorOrder(),
        every=timedelta(minutes=5),
        longest=timedelta(minutes=30),
        summary="watch the stable version and compare the trial's pairs",
    ),
)


async def apply_schedules(client: Client, prefix: str) -> list[str]:
    """Create the schedules, or bring those that are there up to date; a paused one stays paused.

    Safe to call from many processes at once, and again at every start.

    Args:
        client: whose namespace gets them.
        prefix: of the task queues; schedules of other prefixes in the same namespace are others.

    Returns:
        The schedules' ids.
    """
    return [await _apply(client, f"{prefix}-{regular.name}", _schedule(regular, prefix)) for regular in SCHEDULES]


def _schedule(regular: Regular, prefix: str) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            regular.run,
            regular.order,
            id=f"{prefix}-{regular.name}",
            task_queue=orchestration_queue(prefix),
            execution_timeout=regular.longest,
            static_summary=regular.summary,
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=regular.every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=regular.every),
    )


async def _apply(client: Client, schedule_id: str, wanted: Schedule) -> str:
    try:
        await client.create_schedule(schedule_id, wanted)
    except ScheduleAlreadyRunningError:

        def updated(found: ScheduleUpdateInput) -> ScheduleUpdate:
            wanted.state = found.description.schedule.state
            return ScheduleUpdate(schedule=wanted)

        await client.get_schedule_handle(schedule_id).update(updated)
    return schedule_id

"""The processes that run beside reviews, with steps that answer from a script, for recording their histories."""

from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from models.alert import DeliveryOrder, DeliveryReport
from models.audit import AuditVerdict
from models.audit_views import CheckpointOrder, CheckpointReport
from models.health import HealthTick
from models.key_rotation import PageResult, PageTask, Ring, RingReport, RingTask, RotationOrder
from models.monitor import MonitorOrder, StableTick, TrialTick
from models.reservation import SweepOrder, SweepReport
from tests.workflows import test_health
from worker import WORKFLOWS, workflow_runner


@activity.defn
async def sweep_reservations(order: SweepOrder) -> SweepReport:
    return SweepReport(looked_at=2, released=1, resolved=1)


@activity.defn
async def deliver_alerts(order: DeliveryOrder) -> DeliveryReport:
    return DeliveryReport(delivered=1, targets=1)


@activity.defn
async def read_key_version(task: RingTask) -> RingReport:
    return RingReport(ring=task.ring, mark="vault:v1:")


@activity.defn
async def rotate_wrapping_key(task: RingTask) -> RingReport:
    return RingReport(ring=task.ring, mark="vault:v2:", rotated=True)


@activity.defn
async def rewrap_page(task: PageTask) -> PageResult:
    if task.after or task.ring is Ring.PAYLOAD_KEYS:
        return PageResult(last=None)
    return PageResult(last="a" * 32, rewrapped=3)


@activity.defn
async def count_keys_behind(task: RingTask) -> int:
    return 0


@activity.defn
async def write_checkpoint(order: CheckpointOrder) -> CheckpointReport:
    return CheckpointReport(verdict=AuditVerdict(intact=True, total=3, verified=3))


@activity.defn
async def watch_stable(order: MonitorOrder) -> StableTick:
    return StableTick(version=2, reviews=50, errors=9, breached=True, alerted=True, rolled_back_to=1)


@activity.defn
async def follow_trials(order: MonitorOrder) -> TrialTick:
    return TrialTick(compared=4)


def health_steps() -> list[Callable[..., Any]]:
    scripted = test_health.Scripted()
    return [scripted.list_providers, scripted.check_provider]


UPKEEP: dict[str, tuple[object, Callable[[], list[Callable[..., Any]]]]] = {
    "provider-health": (HealthTick(), health_steps),
    "quota-sweep": (SweepOrder(), lambda: [sweep_reservations]),
    "alert-delivery": (DeliveryOrder(), lambda: [deliver_alerts]),
    "audit-checkpoint": (CheckpointOrder(), lambda: [write_checkpoint]),
    "stable-monitor": (MonitorOrder(), lambda: [watch_stable, follow_trials]),
    "key-rotation": (
        RotationOrder(rotate=True),
        lambda: [read_key_version, rotate_wrapping_key, rewrap_page, count_keys_behind],
    ),
}
"""Order and steps, by the workflow's name."""


async def run_upkeep(name: str, client: Client, queue: str) -> str:
    """Run one process; returns its history as JSON."""
    order, steps = UPKEEP[name]
    async with Worker(
        client, task_queue=queue, workflows=WORKFLOWS, activities=steps(), workflow_runner=workflow_runner()
    ):
        handle = await client.start_workflow(name, order, id=f"{name}-{queue}", task_queue=queue)
        await handle.result()
    return (await handle.fetch_history()).to_json()

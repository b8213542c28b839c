"""A tick of vouching on a real server."""

import uuid

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from models.audit import AuditProblem, AuditVerdict
from models.audit_views import CheckpointOrder, CheckpointReport
from starter.key_rotations import failure_code
from worker import workflow_runner
from workflows.audit import AuditCheckpointWorkflow

INTACT = CheckpointReport(verdict=AuditVerdict(intact=True, total=3, verified=3))
BROKEN = CheckpointReport(
    verdict=AuditVerdict(intact=False, total=3, verified=2, first_bad_seq=3, problem=AuditProblem.CHANGED)
)


class Scripted:
    """Stands in for `AuditActivities`: the key service is away at first."""

    def __init__(self, report: CheckpointReport) -> None:
        self.report = report
        self.orders: list[CheckpointOrder] = []

    @activity.defn
    async def write_checkpoint(self, order: CheckpointOrder) -> CheckpointReport:
        self.orders.append(order)
        if len(self.orders) == 1:
            raise ApplicationError("kek_unavailable", type="kek_unavailable")
        return self.report


async def ticked(client: Client, queue: str, scripted: Scripted) -> CheckpointReport:
    async with Worker(
        client,
        task_queue=queue,
        workflows=[AuditCheckpointWorkflow],
        activities=[scripted.write_checkpoint],
        workflow_runner=workflow_runner(),
    ):
        return await client.execute_workflow(
            AuditCheckpointWorkflow.run, CheckpointOrder(entries=7), id=uuid.uuid4().hex, task_queue=queue
        )


async def test_a_tick_outlasts_a_key_service_that_is_away(client: Client, queue: str) -> None:
    scripted = Scripted(INTACT)
    assert await ticked(client, queue, scripted) == INTACT
    assert scripted.orders == [CheckpointOrder(entries=7)] * 2


async def test_a_chain_that_was_changed_fails_the_tick_where_everybody_sees_it(client: Client, queue: str) -> None:
    with pytest.raises(WorkflowFailureError) as raised:
        await ticked(client, queue, Scripted(BROKEN))
    assert failure_code(raised.value) == "audit_broken"

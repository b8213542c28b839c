"""The tick of the delivery on a real server."""

import uuid

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from models.alert import DeliveryOrder, DeliveryReport
from worker import workflow_runner
from workflows.alert import AlertDeliveryWorkflow

FOUND = DeliveryReport(delivered=2, postponed=1, targets=3)


class Scripted:
    """Stands in for `AlertActivities`: the database is down at first."""

    def __init__(self) -> None:
        self.orders: list[DeliveryOrder] = []

    @activity.defn
    async def deliver_alerts(self, order: DeliveryOrder) -> DeliveryReport:
        self.orders.append(order)
        if len(self.orders) == 1:
            raise ApplicationError("store_unavailable", type="store_unavailable")
        return FOUND


async def test_a_tick_outlasts_a_database_that_is_down(client: Client, queue: str) -> None:
    scripted = Scripted()
    async with Worker(
        client,
        task_queue=queue,
        workflows=[AlertDeliveryWorkflow],
        activities=[scripted.deliver_alerts],
        workflow_runner=workflow_runner(),
    ):
        report = await client.execute_workflow(
            "alert-delivery",
            DeliveryOrder(most=7),
            id=uuid.uuid4().hex,
            task_queue=queue,
            result_type=DeliveryReport,
        )
    assert report == FOUND and scripted.orders == [DeliveryOrder(most=7)] * 2

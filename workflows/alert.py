"""One tick of the delivery of alerts."""

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.alerts import AlertActivities
    from models.alert import DeliveryOrder, DeliveryReport
    from workflows.options import DELIVER, described


@workflow.defn(name="alert-delivery", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class AlertDeliveryWorkflow:
    """Started by a schedule; what one tick does not send, a later one does."""

    @workflow.run
    async def run(self, order: DeliveryOrder) -> DeliveryReport:
        report = await workflow.execute_activity_method(
            AlertActivities.deliver_alerts, order, **described(DELIVER, "deliver alerts")
        )
        where = f"to {report.targets} targets" if report.targets else "nowhere: no address is configured"
        workflow.set_current_details(f"{report.delivered} delivered, {report.postponed} postponed, {where}")
        return report

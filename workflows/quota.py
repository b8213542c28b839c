"""One tick of the sweep that ends what dead processes left open in the ledger."""

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.quota_sweep import QuotaSweepActivities
    from models.reservation import SweepOrder, SweepReport
    from workflows.options import SWEEP, described


@workflow.defn(name="quota-sweep", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class QuotaSweepWorkflow:
    """Started by a schedule; a tick that fails is made up for by the next one."""

    @workflow.run
    async def run(self, order: SweepOrder) -> SweepReport:
        report = await workflow.execute_activity_method(
            QuotaSweepActivities.sweep_reservations, order, **described(SWEEP, "sweep reservations")
        )
        workflow.set_current_details(
            f"{report.looked_at} open: {report.released} released, {report.resolved} resolved, {report.left} left; "
            f"counters: {report.counters_corrected} of {report.counters_compared} corrected"
        )
        return report

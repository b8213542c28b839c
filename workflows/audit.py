"""One tick of vouching for the audit chain."""

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.audit import AuditActivities
    from models.audit_views import CheckpointOrder, CheckpointReport
    from models.failures import FailureType
    from workflows.options import VOUCH, described


@workflow.defn(name="audit-checkpoint", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class AuditCheckpointWorkflow:
    """Started by a schedule, and when somebody asks for a checkpoint; a chain that was changed fails it."""

    @workflow.run
    async def run(self, order: CheckpointOrder) -> CheckpointReport:
        report = await workflow.execute_activity_method(
            AuditActivities.write_checkpoint, order, **described(VOUCH, "sign the head of the audit chain")
        )
        verdict = report.verdict
        if not verdict.intact:
            workflow.set_current_details(f"**The audit chain was changed**: {verdict.problem}, {verdict.first_bad_seq}")
            raise ApplicationError(FailureType.AUDIT_BROKEN, type=FailureType.AUDIT_BROKEN, non_retryable=True)
        written = f"checkpoint at entry {report.written.seq}" if report.written else "no checkpoint is due"
        workflow.set_current_details(f"{verdict.verified} entries verified, {written}")
        return report

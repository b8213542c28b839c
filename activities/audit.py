"""The step that vouches for the audit chain."""

from datetime import UTC, datetime

from temporalio import activity

from activities.error_mapping import translated
from activities.experiment_ports import Chain, Checkpoints
from activities.review import heartbeating
from models.audit import AuditEntry, AuditProblem, AuditVerdict
from models.audit_check import ChainCheck, is_due
from models.audit_lines import LineUnreadable
from models.audit_views import CheckpointOrder, CheckpointReport


class AuditActivities:
    """Signs the head of the chain, after a look at what came since the last time: no change is vouched for."""

    def __init__(self, chain: Chain, checkpoints: Checkpoints) -> None:
        self._chain = chain
        self._checkpoints = checkpoints

    @activity.defn
    async def write_checkpoint(self, order: CheckpointOrder) -> CheckpointReport:
        """Write one when it is due; a second time there is nothing new to vouch for."""
        with translated():
            async with heartbeating():
                report = await self._write(order)
                if not report.verdict.intact:
                    await self._chain.alarm(report.verdict)
        return report

    async def _write(self, order: CheckpointOrder) -> CheckpointReport:
        try:
            last = await self._checkpoints.last()
        except LineUnreadable:
            broken = AuditVerdict(intact=False, total=0, verified=0, problem=AuditProblem.BAD_CHECKPOINT)
            return CheckpointReport(verdict=broken)
        check = ChainCheck.since(last, await self._checkpoints.verifier()) if last else ChainCheck()
        head: AuditEntry | None = None
        async for entry in self._chain.entries(last.seq if last else 1):
            if not check.follow(entry):
                break
            head = entry
        verdict, now = check.verdict(), datetime.now(UTC)
        if head is None or not verdict.intact:
            return CheckpointReport(verdict=verdict)
        age = (now - last.at).total_seconds() if last else 0.0
        if not is_due(head.seq, age, last, order.entries, order.seconds):
            return CheckpointReport(verdict=verdict)
        return CheckpointReport(verdict=verdict, written=await self._checkpoints.write(head.seq, head.hash, now))

"""One tick of the monitor of what is in production."""

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.monitor import MonitorActivities
    from models.monitor import MonitorOrder, MonitorReport, StableTick, TrialTick
    from workflows.options import MONITOR, described


@workflow.defn(name="stable-monitor", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class StableMonitorWorkflow:
    """Started by a schedule. Stable comes first: a trial's troubles must not keep anybody from its alert."""

    @workflow.run
    async def run(self, order: MonitorOrder) -> MonitorReport:
        stable = await workflow.execute_activity_method(
            MonitorActivities.watch_stable, order, **described(MONITOR, "watch the stable version")
        )
        trials = await workflow.execute_activity_method(
            MonitorActivities.follow_trials, order, **described(MONITOR, "compare the trial's pairs")
        )
        workflow.set_current_details(f"{_told_stable(stable)}\n\n{_told_trials(trials)}")
        return MonitorReport(trials=trials, stable=stable)


def _told_stable(tick: StableTick) -> str:
    counted = f"Version {tick.version}: {tick.errors} errors in {tick.reviews} reviews"
    if tick.rolled_back_to is not None:
        return f"**{counted}: too many; version {tick.rolled_back_to} is stable again.**"
    if tick.refused is not None:
        return f"**{counted}: too many; not rolled back: {tick.refused}.**"
    return f"**{counted}: too many.**" if tick.breached else f"{counted}."


def _told_trials(tick: TrialTick) -> str:
    stopped = f"; trial {tick.stopped} was stopped" if tick.stopped else ""
    return f"{tick.compared} pairs compared{stopped}."

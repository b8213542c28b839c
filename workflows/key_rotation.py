"""A rotation of wrapping keys as a durable process: killed anywhere, it goes on, and every key opens meanwhile."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.key_rotation import KeyRotationActivities
    from models.key_rotation import PageTask, Ring, RingReport, RingTask, RotationOrder, RotationReport, RotationState
    from workflows.options import REWRAP, described

MAX_PASSES = 3
"""Keys that were wrapped while the version changed can be stored behind a pass; a later one finds them."""

PAGES_PER_RUN = 500
"""Then the history is long enough, and the run goes on in a new one."""

SETTLING = timedelta(minutes=2)
"""Who got a data key of the old version before the rotation has stored it by then, or has given up."""


@workflow.defn(name="key-rotation", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class KeyRotationWorkflow:
    """One ring of keys after the other."""

    def __init__(self) -> None:
        self._pages = 0

    @workflow.run
    async def run(self, order: RotationOrder) -> RotationReport:
        """Rotate if asked, wrap anew, count, retire if asked."""
        self._order, self._state = order, order.state
        for ring in order.rings[len(order.state.done) :]:
            report = await self._finished(ring)
            self._keep(RotationState(done=(*self._state.done, report)))
        return RotationReport(rings=self._state.done)

    async def _finished(self, ring: Ring) -> RingReport:
        if self._state.current is None:
            self._keep(self._state.model_copy(update={"current": await self._begun(ring)}))
        report = await self._rewrapped()
        if self._order.retire and report.mark and report.behind == 0:
            await workflow.sleep(SETTLING)
            self._keep(self._state.model_copy(update={"passes": 0}))
            report = await self._rewrapped()
            retired = await workflow.execute_activity_method(
                KeyRotationActivities.retire_key_versions, _task(report), **described(REWRAP, f"{ring}: retire")
            )
            report = report.model_copy(update={"retired": retired})
        return report

    async def _begun(self, ring: Ring) -> RingReport:
        before = await workflow.execute_activity_method(
            KeyRotationActivities.read_key_version, RingTask(ring=ring), **described(REWRAP, f"{ring}: version")
        )
        if not self._order.rotate:
            return before
        return await workflow.execute_activity_method(
            KeyRotationActivities.rotate_wrapping_key, _task(before), **described(REWRAP, f"{ring}: rotate")
        )

    async def _rewrapped(self) -> RingReport:
        """Pass over the ring until nothing is behind but what the key service refuses."""
        while True:
            await self._pass()
            report = self._current
            behind = await workflow.execute_activity_method(
                KeyRotationActivities.count_keys_behind, _task(report), **described(REWRAP, f"{report.ring}: count")
            )
            report = report.model_copy(update={"behind": behind})
            passes = self._state.passes + 1
            self._keep(self._state.model_copy(update={"current": report, "passes": passes, "after": ""}))
            if behind <= report.refused or passes >= MAX_PASSES:
                return report
            self._keep(self._state.model_copy(update={"current": report.model_copy(update={"refused": 0})}))

    async def _pass(self) -> None:
        while True:
            report, after = self._current, self._state.after
            page = await workflow.execute_activity_method(
                KeyRotationActivities.rewrap_page,
                PageTask(ring=report.ring, mark=report.mark, after=after, size=self._order.page_size),
                **described(REWRAP, f"{report.ring}: next page"),
            )
            if page.last is None:
                return
            counts = {"rewrapped": report.rewrapped + page.rewrapped, "refused": report.refused + page.refused}
            self._keep(self._state.model_copy(update={"current": report.model_copy(update=counts), "after": page.last}))
            self._pages += 1
            if self._pages >= PAGES_PER_RUN or workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._order.model_copy(update={"state": self._state}))

    @property
    def _current(self) -> RingReport:
        assert self._state.current is not None
        return self._state.current

    def _keep(self, state: RotationState) -> None:
        self._state = state
        rings = [*state.done, *([state.current] if state.current else [])]
        workflow.set_current_details("\n".join(f"- {_told(ring)}" for ring in rings))


def _task(report: RingReport) -> RingTask:
    return RingTask(ring=report.ring, mark=report.mark)


def _told(report: RingReport) -> str:
    """One ring in one line of Markdown."""
    version = f" (now `{report.mark.rstrip(':')}`)" if report.mark else ""
    return f"**{report.ring}**{version}: {report.rewrapped} wrapped anew, {report.refused} refused"

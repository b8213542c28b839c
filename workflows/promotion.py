"""A promotion as a durable process: it waits for people, and only what they have stored moves it."""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey, VersioningBehavior
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.promotion import PromotionActivities
    from models.promotion import (
        ApprovalHint,
        PromotionOrder,
        PromotionState,
        PromotionStatus,
        ReminderTask,
        SettleTask,
    )
    from models.promotion_rules import objection
    from models.text import neutral_markdown, spoken_time
    from workflows.options import PROMOTE, described

STATUS = SearchAttributeKey.for_keyword("ConclaveStatus")

LOOK_EVERY = timedelta(hours=1)
"""Nothing is lost when a hint is: what was stored is seen by then."""

HELD_UP_EVERY = timedelta(minutes=1)
"""A policy engine that says nothing is asked again."""

MOST_LOOKS = 200
"""Then the history is long enough, and the run goes on in a new one: hints cost whoever sends them nothing."""


@workflow.defn(name="promotion", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class PromotionWorkflow:
    """Waits for approvers until it expires. Updates and signals are hints to look, never approvals themselves."""

    @workflow.init
    def __init__(self, order: PromotionOrder) -> None:
        self._order = order
        self._state = PromotionState(status=PromotionStatus.AWAITING, needed=order.needed)
        self._hints, self._looked, self._looks = 1, 0, 0
        """Begins with a look: what was stored before this run counts, too."""
        self._remind_at = workflow.now() + self._remind_every

    @workflow.run
    async def run(self, order: PromotionOrder) -> PromotionState:
        while self._waiting:
            await self._pause()
            expired = workflow.now() >= order.expires_at
            if not expired and workflow.now() >= self._remind_at:
                await self._remind()
            await self._look(expired=expired)
            if self._waiting and self._looks >= MOST_LOOKS:
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(order)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._state

    @workflow.update
    async def approve(self, hint: ApprovalHint) -> PromotionState:
        """Look at the approval that was stored; answers with what came of it."""
        self._hints += 1
        mine = self._hints
        await workflow.wait_condition(lambda: self._looked >= mine or not self._waiting)
        return self._state

    @approve.validator
    def _acceptable(self, hint: ApprovalHint) -> None:
        order = self._order
        refusal = objection(
            hint.approver,
            hint.evidence,
            status=self._state.status,
            asked=order.evidence,
            author=order.author,
            requested_by=order.requested_by,
            voted=self._state.approvers,
            expired=workflow.now() >= order.expires_at,
        )
        if refusal is not None:
            raise ApplicationError(refusal, type=refusal, non_retryable=True)

    @workflow.signal
    def approval_stored(self) -> None:
        """Look at what is stored. Whoever sends it: it carries nothing that could be believed."""
        self._hints += 1

    @workflow.query
    def state(self) -> PromotionState:
        """Where the promotion stands, as of the last look."""
        return self._state

    @property
    def _waiting(self) -> bool:
        return not self._state.ended

    @property
    def _remind_every(self) -> timedelta:
        return timedelta(seconds=self._order.remind_after_seconds)

    @property
    def _waits_for(self) -> str:
        missing = self._state.needed - len(self._state.approvers)
        if self._state.refusal or missing < 1:
            return "held up: look again"
        return f"wait for {missing} more {'approval' if missing == 1 else 'approvals'}"

    async def _pause(self) -> None:
        """Wait for a hint, the next reminder, the end, or a while."""
        regularly = HELD_UP_EVERY if self._state.refusal else LOOK_EVERY
        longest = min(regularly, self._remind_at - workflow.now(), self._order.expires_at - workflow.now())
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._hints > self._looked,
                timeout=max(longest, timedelta()),
                timeout_summary=self._waits_for,
            )

    async def _remind(self) -> None:
        now, begun = workflow.now(), self._order.requested_at
        percent = int(100 * (now - begun) / (self._order.expires_at - begun))
        self._remind_at = now + self._remind_every
        await workflow.execute_activity_method(
            PromotionActivities.remind_approvers,
            ReminderTask(promotion_id=self._order.promotion_id, elapsed_percent=min(max(percent, 0), 99)),
            **described(PROMOTE, f"remind: {percent} % of the time is over"),
        )

    async def _look(self, *, expired: bool) -> None:
        hints = self._hints
        self._state = await workflow.execute_activity_method(
            PromotionActivities.settle_promotion,
            SettleTask(promotion_id=self._order.promotion_id, expired=expired),
            **described(PROMOTE, "expired: end it" if expired else "look at the stored approvals"),
        )
        self._looked, self._looks = hints, self._looks + 1
        self._show()

    def _show(self) -> None:
        state = self._state
        workflow.upsert_search_attributes([STATUS.value_set(state.status)])  # pyright: ignore[reportUnknownMemberType]
        refusal = f" ({state.refusal})" if state.refusal else ""
        names = ", ".join(map(neutral_markdown, state.approvers))
        told = f"**{state.status}**{refusal}: {len(state.approvers)} of {state.needed} approvals"
        lines = [f"{told}, by {names}" if names else told]
        if not state.ended:
            lines.append(f"Expires {spoken_time(self._order.expires_at)}; nothing approves by itself.")
        workflow.set_current_details("\n\n".join(lines))

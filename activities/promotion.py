"""Steps of a promotion. Each may be repeated after a crash: what was settled stays as it was settled."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from temporalio import activity

from activities.error_mapping import translated
from activities.experiment_ports import PolicyEngine, PolicyMalformed, PolicyUnavailable, Promotions
from activities.promotion_ports import Gate
from activities.review import heartbeating
from models.failures import FailureType
from models.gate import Decision
from models.promotion import PromotionState, ReminderTask, SettleTask


@asynccontextmanager
async def _step() -> AsyncGenerator[None, None]:
    """Errors as codes, and a sign of life now and then: people wait for the answer when a worker has died."""
    with translated():
        async with heartbeating():
            yield


class PromotionActivities:
    """Looks at what people said, which the API stored, and acts on that alone."""

    def __init__(self, promotions: Promotions, policies: PolicyEngine, gate: Gate) -> None:
        self._promotions = promotions
        self._policies = policies
        self._gate = gate

    @activity.defn
    async def settle_promotion(self, task: SettleTask) -> PromotionState:
        """Apply, refuse or end the promotion if it is time. The gate is asked again first.

        A policy engine that says nothing holds a promotion up, with that as `refusal`, and does not end it.
        """
        async with _step():
            failure: FailureType | None = None
            gated: Decision | None = None
            try:
                gated = await self._gated(task)
            except PolicyUnavailable:
                failure = FailureType.POLICY_UNAVAILABLE
            except PolicyMalformed:
                failure = FailureType.POLICY_MALFORMED
            state = await self._promotions.settle(
                task.promotion_id, self._policies.hash_of, expired=task.expired, gated=gated
            )
            return state if state.ended or failure is None else state.model_copy(update={"refusal": failure.value})

    async def _gated(self, task: SettleTask) -> Decision | None:
        experiment_id = None if task.expired else await self._promotions.approved(task.promotion_id)
        return None if experiment_id is None else await self._gate.decide(experiment_id)

    @activity.defn
    async def remind_approvers(self, task: ReminderTask) -> None:
        """Tell people that it waits."""
        async with _step():
            await self._promotions.remind(task.promotion_id, task.elapsed_percent)

"""The model halves of one review: who is asked, how often, with which money."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.review import ReviewActivities
    from models.call import Posture
    from models.expert import ExpertName
    from models.failover import Progress, Rules, Step, next_step
    from models.opinion import Consultation, OpinionSummary, Rejection, rejection_of
    from models.order import ReviewOrder
    from models.selection import Purse
    from workflows.options import CONSULT, described


class Consulting:
    """Asks models for the experts of one review. What a call does not spend goes back to the others."""

    def __init__(self, order: ReviewOrder, waiting: Callable[[ExpertName, Rejection | None], None]) -> None:
        """Share out the budget.

        Args:
            order: the review.
            waiting: told whenever an expert waits before it is asked again, with the reason.
        """
        self._order = order
        self._waiting = waiting
        weights = {name: order.config.budget_weights.get(name, 1.0) for name in order.experts}
        self._purse = Purse(order.budget_micro_usd, weights)
        self._rules = Rules(
            mode=order.mode,
            backtrack=order.config.backtrack,
            failover=order.config.failover,
            wait_for_quota=order.wait_for_quota,
        )
        self._progress: dict[ExpertName, Progress] = {}
        self._last: dict[ExpertName, OpinionSummary] = {}
        self._spent: dict[ExpertName, int] = {}

    def attempts(self, name: ExpertName) -> int:
        """Questions asked for an expert so far."""
        return self._progress.get(name, Progress()).made

    def spent(self, name: ExpertName) -> int:
        """Micro-USD that an expert's questions cost so far."""
        return self._spent.get(name, 0)

    def last(self, name: ExpertName) -> OpinionSummary:
        """What came of the latest question."""
        return self._last[name]

    async def consult(
        self, name: ExpertName, earlier: Sequence[ExpertName], rejection: Rejection | None = None
    ) -> Rejection | None:
        """Ask until an answer is accepted, or until `models.failover` knows nobody to ask any more.

        Args:
            name: the expert.
            earlier: experts whose findings the prompt may show.
            rejection: why the answer of an earlier call of this method does not stand after all.

        Returns:
            None when the latest answer is accepted, else why there is none.
        """
        so_far = self._progress.get(name, Progress())
        step: Step | None = Step(position=so_far.position)
        if rejection is not None:
            step = next_step(self._last[name], rejection, so_far, self._rules)
        while step is not None:
            if step.wait_seconds:
                self._waiting(name, rejection)
                wait = timedelta(seconds=step.wait_seconds)
                await workflow.sleep(wait, summary=f"{name}: {rejection} - asking again")
            budget = self._purse.draw(name)
            if budget == 0:
                rejection = Rejection.BUDGET_SPENT
                break
            so_far = self._progress[name] = so_far.asked(step.position, rejection)
            result = self._last[name] = await self._ask(name, so_far, budget, rejection, earlier)
            self._spent[name] = self._spent.get(name, 0) + result.spent_micro_usd
            rejection = rejection_of(result, self._rules.backtrack)
            if rejection is None:
                return None
            step = next_step(result, rejection, so_far, self._rules)
        self._purse.release(name)
        return rejection

    async def _ask(
        self, name: ExpertName, so_far: Progress, budget: int, why: Rejection | None, earlier: Sequence[ExpertName]
    ) -> OpinionSummary:
        """One question; what it did not spend goes back to the purse."""
        order = self._order
        question = Consultation(
            review_id=order.review_id,
            source_id=order.source_id,
            owner=order.owner,
            expert=name,
            attempt=so_far.made,
            route_position=so_far.position,
            budget_micro_usd=budget,
            rejection=why,
            earlier=tuple(earlier),
            policy=order.policy,
            complexity=order.complexity.score,
            max_output_tokens=order.config.max_output_tokens,
            prompt=order.prompt,
        )
        try:
            result = await workflow.execute_activity_method(
                ReviewActivities.consult_model,
                question,
                **described(CONSULT, f"{name}: model, attempt {so_far.made}", order.models_queue),
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            # What the attempt cost is unknown: nothing of its budget goes back to the pool.
            return OpinionSummary(failure=Rejection.PROVIDER_ERROR, posture=Posture.STOP, spent_micro_usd=budget)
        keep_for = None if rejection_of(result, self._rules.backtrack) is None else name
        self._purse.give_back(budget, min(result.spent_micro_usd, budget), keep_for)
        return result

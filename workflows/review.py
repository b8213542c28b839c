"""One review: experts at work, meta over them, one report."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.review import ReviewActivities
    from models.expert import ExpertName
    from models.opinion import Consultation, Rejection, rejection_of
    from models.order import (
        AnalysisTask,
        ExpertOutcome,
        PanelJudgement,
        PanelTask,
        ReviewOrder,
        ReviewOutcome,
    )
    from models.review import ExpertStatus, ReviewMode, ReviewStatus
    from models.selection import Purse
    from workflows.options import ANALYSE, CONSULT, STORE, described

SETTLED = frozenset({ExpertStatus.DONE, ExpertStatus.DEGRADED})
STATUS = SearchAttributeKey.for_keyword("ConclaveStatus")


@workflow.defn(name="review")
class ReviewWorkflow:
    """Runs the panel over one source. An expert that fails makes the report partial, never clean."""

    @workflow.init
    def __init__(self, order: ReviewOrder) -> None:
        self._order = order
        self._outcomes = {
            name: ExpertOutcome(expert=name, status=ExpertStatus.WAITING, attempts=0) for name in order.experts
        }
        weights = {name: order.config.budget_weights.get(name, 1.0) for name in order.experts}
        self._purse = Purse(order.budget_micro_usd, weights)

    @workflow.run
    async def run(self, order: ReviewOrder) -> ReviewOutcome:
        self._show()
        specialists = [name for name in order.experts if name is not ExpertName.META]
        if order.mode is ReviewMode.PIPELINE:
            for name in specialists:
                await self._review(name)
        else:
            await asyncio.gather(*(self._review(name) for name in specialists))
        if ExpertName.META in order.experts:
            await self._judge(specialists)
        outcome = await self._publish()
        workflow.upsert_search_attributes(  # pyright: ignore[reportUnknownMemberType]
            [STATUS.value_set(ReviewStatus.COMPLETED.value)]
        )
        workflow.set_current_details(self._details(outcome))
        return outcome

    async def _review(self, name: ExpertName) -> None:
        """Both halves of one expert; whatever goes wrong is told in its outcome."""
        self._note(name, status=ExpertStatus.RUNNING)
        try:
            summary = await workflow.execute_activity_method(
                ReviewActivities.analyse_source,
                AnalysisTask(review_id=self._order.review_id, source_id=self._order.source_id, expert=name),
                **described(ANALYSE, f"{name}: static analysis", self._order.analysis_queue),
            )
        except ActivityError as error:
            self._fail(name, error)
            return
        self._note(name, status=ExpertStatus.DONE, findings=summary.findings, seconds=summary.seconds)
        if self._order.models_routed:
            await self._consult(name)

    async def _consult(self, name: ExpertName, rejection: Rejection | None = None) -> None:
        """The model half. Only backtracking asks again: later in the chain, with the reason of the rejection."""
        config = self._order.config.backtrack
        limit = config.max_attempts if self._order.mode is ReviewMode.BACKTRACK else 1
        made = self._outcomes[name].attempts
        while made < limit:
            if made:
                self._note(name, status=ExpertStatus.RETRYING)
                wait = timedelta(seconds=config.backoff_seconds(made))
                await workflow.sleep(wait, summary=f"{name}: {rejection} - asking again")
            budget = self._purse.draw(name)
            if budget == 0:
                rejection = Rejection.BUDGET_SPENT
                break
            made += 1
            rejection = await self._ask(name, made, budget, rejection)
            if rejection is None:
                self._note(name, status=ExpertStatus.DONE, attempts=made, accepted_attempt=made, reason=None)
                return
        self._purse.release(name)
        self._note(name, status=ExpertStatus.DEGRADED, attempts=made, accepted_attempt=None, reason=rejection)

    async def _ask(self, name: ExpertName, attempt: int, budget: int, why: Rejection | None) -> Rejection | None:
        """One attempt; returns why it is not accepted."""
        earlier = [each for each in self._outcomes if self._order.mode is ReviewMode.PIPELINE and each is not name]
        question = Consultation(
            review_id=self._order.review_id,
            source_id=self._order.source_id,
            expert=name,
            attempt=attempt,
            route_position=attempt - 1,
            budget_micro_usd=budget,
            rejection=why,
            earlier=tuple(each for each in earlier if self._outcomes[each].status is not ExpertStatus.WAITING),
        )
        try:
            summary = await workflow.execute_activity_method(
                ReviewActivities.consult_model,
                question,
                **described(CONSULT, f"{name}: model, attempt {attempt}", self._order.models_queue),
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            # What the attempt cost is unknown: nothing of its budget goes back to the pool.
            return Rejection.PROVIDER_ERROR
        rejection = rejection_of(summary, self._order.config.backtrack)
        keep_for = None if rejection is None else name
        self._purse.give_back(budget, min(summary.spent_micro_usd, budget), keep_for)
        if rejection is None:
            before = self._outcomes[name]
            self._note(name, findings=before.findings + summary.findings)
        return rejection

    async def _judge(self, specialists: list[ExpertName]) -> None:
        """Meta; in backtrack mode an expert whose findings it rejects is asked once more, and meta looks again."""
        judgement = await self._meta(specialists)
        if judgement is None or self._order.mode is not ReviewMode.BACKTRACK or not judgement.rejected:
            return
        await asyncio.gather(*(self._consult(name, Rejection.REJECTED_BY_META) for name in judgement.rejected))
        await self._meta(specialists)

    async def _meta(self, specialists: list[ExpertName]) -> PanelJudgement | None:
        name = ExpertName.META
        self._note(name, status=ExpertStatus.RUNNING)
        try:
            judgement = await workflow.execute_activity_method(
                ReviewActivities.judge_panel, self._task(specialists), **described(STORE, "meta: judge the panel")
            )
        except ActivityError as error:
            self._fail(name, error)
            return None
        self._note(name, status=ExpertStatus.DONE, findings=judgement.findings, seconds=judgement.seconds)
        return judgement

    async def _publish(self) -> ReviewOutcome:
        return await workflow.execute_activity_method(
            ReviewActivities.publish_report, self._task(list(self._outcomes)), **described(STORE, "publish the report")
        )

    def _task(self, experts: list[ExpertName]) -> PanelTask:
        return PanelTask(
            review_id=self._order.review_id,
            source_id=self._order.source_id,
            mode=self._order.mode,
            outcomes=tuple(self._outcomes[name] for name in experts),
            config=self._order.config,
        )

    def _fail(self, name: ExpertName, error: ActivityError) -> None:
        if is_cancelled_exception(error):
            raise error
        code = getattr(error.cause, "type", None) or "timeout"
        self._note(name, status=ExpertStatus.FAILED, reason=code)

    def _note(self, name: ExpertName, **changes: object) -> None:
        self._outcomes[name] = self._outcomes[name].model_copy(update=changes)
        self._show()

    def _show(self) -> None:
        workflow.set_current_details(self._details(None))

    def _details(self, outcome: ReviewOutcome | None) -> str:
        """What the Temporal UI shows of this review: no content of the code, only how it goes."""
        lines = "\n".join(f"- {_told(each)}" for each in self._outcomes.values())
        if outcome is None:
            return lines
        kept = "partial" if outcome.partial else "complete"
        return f"**Report {kept}**: {outcome.reported} reported, {outcome.suppressed} more.\n\n{lines}"


def _told(outcome: ExpertOutcome) -> str:
    """One expert in one line of Markdown."""
    reason = f" ({outcome.reason})" if outcome.reason else ""
    found = f", {outcome.findings} findings" if outcome.status in SETTLED else ""
    return f"**{outcome.expert}** {outcome.status}{reason}{found}"

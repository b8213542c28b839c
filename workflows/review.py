"""One review: experts at work, meta over them, one report."""

import asyncio

from temporalio import workflow
from temporalio.common import SearchAttributeKey, VersioningBehavior
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.review import ReviewActivities
    from models.expert import ExpertName
    from models.opinion import Rejection
    from models.order import (
        AnalysisTask,
        ExpertOutcome,
        PanelJudgement,
        PanelTask,
        ReviewOrder,
        ReviewOutcome,
    )
    from models.review import ExpertStatus, ReviewMode, ReviewStatus
    from workflows.consulting import Consulting
    from workflows.options import ANALYSE, STORE, described

SETTLED = frozenset({ExpertStatus.DONE, ExpertStatus.DEGRADED})
STATUS = SearchAttributeKey.for_keyword("ConclaveStatus")


@workflow.defn(name="review", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class ReviewWorkflow:
    """Runs the panel over one source. An expert that fails makes the report partial, never clean."""

    @workflow.init
    def __init__(self, order: ReviewOrder) -> None:
        self._order = order
        self._outcomes = {
            name: ExpertOutcome(expert=name, status=ExpertStatus.WAITING, attempts=0) for name in order.experts
        }
        self._consulting = Consulting(order, self._wait)
        self._found = dict.fromkeys(order.experts, 0)
        """Findings by code: the analysers', and meta's own."""
        self._broken: dict[ExpertName, str] = {}
        """Experts whose own step failed, with the code."""

    @workflow.run
    async def run(self, order: ReviewOrder) -> ReviewOutcome:
        self._show()
        specialists = [name for name in order.experts if name is not ExpertName.META]
        if order.mode is ReviewMode.PIPELINE:
            for name in order.experts:
                await self._review(name)
        else:
            await asyncio.gather(*(self._review(name) for name in order.experts))
        # Only where an expert may be asked again is meta's judgement a step of its own.
        asks_again = order.models_routed and order.mode is ReviewMode.BACKTRACK
        if ExpertName.META in order.experts and asks_again:
            await self._judge(specialists)
        outcome = await self._publish(judge=ExpertName.META in order.experts and not asks_again)
        workflow.upsert_search_attributes(  # pyright: ignore[reportUnknownMemberType]
            [STATUS.value_set(ReviewStatus.COMPLETED.value)]
        )
        workflow.set_current_details(self._details(outcome))
        return outcome

    async def _review(self, name: ExpertName) -> None:
        """Both halves of one expert: in a pipeline the model sees the analysers' findings, else both work at once.

        Meta has no analysers; what it judges by code comes when all others are done.
        """
        if name is not ExpertName.META:
            self._note(name, status=ExpertStatus.RUNNING)
        analysed = name is ExpertName.META or self._order.prepared
        halves = [] if analysed else [self._analyse(name)]
        if self._order.models_routed:
            halves.append(self._consult(name))
        if self._order.mode is ReviewMode.PIPELINE:
            for half in halves:
                await half
        else:
            await asyncio.gather(*halves)
        if name is not ExpertName.META:
            self._end(name)

    async def _analyse(self, name: ExpertName) -> None:
        """The static half."""
        try:
            summary = await workflow.execute_activity_method(
                ReviewActivities.analyse_source,
                AnalysisTask(
                    review_id=self._order.review_id,
                    source_id=self._order.source_id,
                    expert=name,
                    analysis=self._order.analysis,
                ),
                **described(ANALYSE, f"{name}: static analysis", self._order.analysis_queue),
            )
        except ActivityError as error:
            self._broken[name] = _code_of(error)
            return
        self._found[name] = summary.findings
        self._note(name, seconds=summary.seconds)

    async def _consult(self, name: ExpertName, rejection: Rejection | None = None) -> None:
        """The model half; in a pipeline it may see what the experts before it found."""
        earlier = [each for each in self._outcomes if self._order.mode is ReviewMode.PIPELINE and each is not name]
        shown = [each for each in earlier if self._outcomes[each].status is not ExpertStatus.WAITING]
        reason = await self._consulting.consult(name, shown, rejection)
        attempts = self._consulting.attempts(name)
        accepted = attempts if reason is None else None
        if reason is None and self._consulting.last(name).last_resort:
            reason = "last_resort"
        spent = self._consulting.spent(name)
        self._note(name, attempts=attempts, accepted_attempt=accepted, reason=reason, spent_micro_usd=spent)

    def _wait(self, name: ExpertName, rejection: Rejection | None) -> None:
        self._note(name, status=ExpertStatus.RETRYING, reason=rejection)

    def _end(self, name: ExpertName) -> None:
        """The status of an expert both of whose halves are over."""
        outcome = self._outcomes[name]
        if name in self._broken:
            self._note(name, status=ExpertStatus.FAILED, reason=self._broken[name])
        elif self._order.models_routed and (outcome.accepted_attempt is None or outcome.reason):
            self._note(name, status=ExpertStatus.DEGRADED)
        else:
            self._note(name, status=ExpertStatus.DONE, reason=None)

    async def _judge(self, specialists: list[ExpertName]) -> None:
        """Meta; in backtrack mode an expert whose findings it rejects is asked once more, and meta looks again."""
        judgement = await self._meta(specialists)
        if judgement is None or not judgement.rejected:
            return
        await asyncio.gather(*(self._ask_again(name) for name in judgement.rejected))
        await self._meta(specialists)

    async def _ask_again(self, name: ExpertName) -> None:
        await self._consult(name, Rejection.REJECTED_BY_META)
        self._end(name)

    async def _meta(self, specialists: list[ExpertName]) -> PanelJudgement | None:
        name = ExpertName.META
        self._note(name, status=ExpertStatus.RUNNING)
        try:
            judgement = await workflow.execute_activity_method(
                ReviewActivities.judge_panel, self._task(specialists), **described(STORE, "meta: judge the panel")
            )
        except ActivityError as error:
            self._broken[name] = _code_of(error)
            self._end(name)
            return None
        self._heard(judgement)
        return judgement

    async def _publish(self, *, judge: bool) -> ReviewOutcome:
        if judge:
            self._end(ExpertName.META)
        task = self._task(list(self._outcomes)).model_copy(update={"judge": judge})
        said = "meta: judge the panel, then publish" if judge else "publish"
        outcome = await workflow.execute_activity_method(
            ReviewActivities.publish_report, task, **described(STORE, said)
        )
        if judge:
            self._heard(outcome.judgement)
        return outcome

    def _heard(self, judgement: PanelJudgement | None) -> None:
        """Meta's own work is over, or broke."""
        if judgement is None:
            self._broken[ExpertName.META] = "internal"
        else:
            self._found[ExpertName.META] = judgement.findings
            self._note(ExpertName.META, seconds=judgement.seconds)
        self._end(ExpertName.META)

    def _task(self, experts: list[ExpertName]) -> PanelTask:
        return PanelTask(
            review_id=self._order.review_id,
            source_id=self._order.source_id,
            mode=self._order.mode,
            outcomes=tuple(self._outcomes[name] for name in experts),
            config=self._order.config,
            analysis=self._order.analysis,
        )

    def _note(self, name: ExpertName, **changes: object) -> None:
        noted = self._outcomes[name].model_copy(update=changes)
        by_model = self._consulting.last(name).findings if noted.accepted_attempt else 0
        self._outcomes[name] = noted.model_copy(update={"findings": self._found[name] + by_model})
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


def _code_of(error: ActivityError) -> str:
    """The code of a step that failed for good; a cancelled one is no failure."""
    if is_cancelled_exception(error):
        raise error
    # A time-out has a `type` as well, and that is no code.
    return (error.cause.type if isinstance(error.cause, ApplicationError) else None) or "timeout"


def _told(outcome: ExpertOutcome) -> str:
    """One expert in one line of Markdown."""
    reason = f" ({outcome.reason})" if outcome.reason else ""
    found = f", {outcome.findings} findings" if outcome.status in SETTLED else ""
    return f"**{outcome.expert}** {outcome.status}{reason}{found}"

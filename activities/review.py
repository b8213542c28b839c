"""The steps of a review that touch the world."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from temporalio import activity

from activities.error_mapping import PATIENCE, translated
from activities.panel import Panel
from activities.ports import (
    Analyst,
    CallIdentity,
    Material,
    ModelFailed,
    ModelHalf,
    ReviewStore,
    ReviewUnknown,
    SourceStore,
    SourceUnknown,
    StoreUnavailable,
)
from models.expert import CoverageStatus, ExpertName, StaticResult
from models.failures import FailureType
from models.opinion import Consultation, Opinion, OpinionSummary
from models.order import (
    AnalysisSummary,
    AnalysisTask,
    ExpertOutcome,
    ExpertProgress,
    PanelJudgement,
    PanelTask,
    ReviewOutcome,
)
from models.review import ExpertStatus
from models.validation import validated

HEARTBEAT_SECONDS = 1.0
"""Often enough that a dead worker is missed within the heartbeat timeout of `workflows.options`."""


@asynccontextmanager
async def heartbeating() -> AsyncGenerator[None, None]:
    """Tell Temporal once a second that this worker lives, for as long as the work lasts."""

    async def beat() -> None:
        while True:
            # Not at once: most steps end before the first is due, and each costs the server a write.
            await asyncio.sleep(HEARTBEAT_SECONDS)
            activity.heartbeat()

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class ReviewActivities:
    """Analyse, consult, judge, publish. Every step stores its result first and re-reads it when run again."""

    def __init__(
        self, analyst: Analyst, models: ModelHalf, sources: SourceStore, reviews: ReviewStore, version: str
    ) -> None:
        self._analyst = analyst
        self._models = models
        self._sources = sources
        self._reviews = reviews
        self._panel = Panel(sources, reviews, version)

    @activity.defn
    async def analyse_source(self, task: AnalysisTask) -> AnalysisSummary:
        """Run one expert's analysers and store what they found."""
        with translated():
            async with heartbeating():
                result = await self._reviews.start_expert(task.review_id, task.expert)
                seconds = 0.0
                if result is None:
                    async with self._sources.checkout(task.source_id) as tree:
                        started = time.monotonic()
                        result = await self._analyst.analyse(task.expert, tree, task.analysis.tools_off)
                        seconds = time.monotonic() - started
                    await self._reviews.save_static(task.review_id, result, seconds)
        failed = sum(entry.status is CoverageStatus.FAILED for entry in result.coverage)
        return AnalysisSummary(findings=len(result.findings), failed_files=failed, seconds=round(seconds, 3))

    @activity.defn
    async def consult_model(self, question: Consultation) -> OpinionSummary:
        """Ask one model once, validate the answer by code and store it before this step completes."""
        with translated():
            async with heartbeating():
                stored = await self._reviews.opinion(question.review_id, question.expert, question.attempt)
                if stored is not None:
                    return _summary_of(stored)
                if question.attempt > 1:
                    retrying = ExpertProgress(status=ExpertStatus.RETRYING)
                    await self._reviews.note_progress(question.review_id, question.expert, retrying)
                manifest, lines = await self._sources.lines(question.source_id)
                material = Material(manifest, lines, await self._earlier(question))
                info = activity.info()
                call = CallIdentity(info.workflow_id or "", info.attempt)
                try:
                    opinion = await self._models.consult(question, call, material)
                except ModelFailed as error:
                    return _failure_of(error)
                kept, dropped = validated(opinion.findings, lines)
                dropped = dict(Counter(opinion.dropped) + Counter(dropped))
                opinion = opinion.model_copy(update={"findings": kept, "dropped": dropped})
                await self._reviews.save_opinion(question.review_id, question.expert, question.attempt, opinion)
                return _summary_of(opinion)

    async def _earlier(self, question: Consultation) -> list[StaticResult]:
        stored = await self._reviews.static_results(question.review_id)
        return [stored[name][0] for name in question.earlier if name in stored]

    @activity.defn
    async def judge_panel(self, task: PanelTask) -> PanelJudgement:
        """Meta's work: what nobody looked at, and whose model findings do not hold."""
        with translated():
            async with heartbeating():
                return await self._panel.judged(task)

    @activity.defn
    async def publish_report(self, task: PanelTask) -> ReviewOutcome:
        """Merge the experts' work into the report and store it; let meta judge first where that is to be done."""
        with translated():
            async with heartbeating():
                judgement = await self._judged_unless_broken(task) if task.judge else None
                if task.judge and judgement is None:
                    task = task.model_copy(update={"outcomes": tuple(map(_meta_failed, task.outcomes))})
                report = await self._reviews.report(task.review_id)
                if report is None:
                    report = await self._panel.assembled(task)
                    await self._reviews.publish([report])
        return ReviewOutcome(
            review_id=task.review_id,
            partial=report.partial,
            reported=len(report.findings),
            suppressed=report.suppressed,
            totals=report.totals,
            judgement=judgement,
        )

    async def _judged_unless_broken(self, task: PanelTask) -> PanelJudgement | None:
        """Meta's judgement; a defect of meta's makes the report partial and keeps nobody from it."""
        try:
            return await self._panel.judged(task)
        except (StoreUnavailable, SourceUnknown, ReviewUnknown):
            raise
        except Exception:
            if activity.info().attempt < PATIENCE:
                raise
            return None


def _meta_failed(outcome: ExpertOutcome) -> ExpertOutcome:
    if outcome.expert is not ExpertName.META:
        return outcome
    return outcome.model_copy(update={"status": ExpertStatus.FAILED, "reason": FailureType.INTERNAL.value})


def _summary_of(opinion: Opinion) -> OpinionSummary:
    return OpinionSummary(
        findings=len(opinion.findings),
        dropped=opinion.dropped,
        confidence=opinion.confidence,
        spent_micro_usd=opinion.spent_micro_usd,
        further=opinion.further,
        last_resort=opinion.last_resort,
    )


def _failure_of(error: ModelFailed) -> OpinionSummary:
    return OpinionSummary(
        failure=error.rejection,
        code=error.code,
        posture=error.posture,
        retry_after_seconds=error.retry_after_seconds,
        further=error.further,
        spent_micro_usd=error.spent_micro_usd,
    )

"""The steps of a review that touch the world."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from temporalio import activity

from activities.error_mapping import translated
from activities.ports import Analyst, CallIdentity, Material, ModelFailed, ModelHalf, ReviewStore, SourceStore
from models.assembly import ExpertWork, Frame, assemble, not_analysed
from models.expert import CoverageReason, CoverageStatus, ExpertName, StaticResult
from models.meta import blind_spots, read_by_meta, rejects
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
from models.review import ExpertStatus, ReviewReport
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
        self._version = version

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
                        result = await self._analyst.analyse(task.expert, tree)
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
        started = time.monotonic()
        with translated():
            stored = await self._reviews.start_expert(task.review_id, ExpertName.META)
            manifest, lines = await self._sources.lines(task.source_id)
            if stored is None:
                statics = await self._reviews.static_results(task.review_id)
                coverage = [entry for result, _ in statics.values() for entry in result.coverage]
                stored = StaticResult(
                    expert=ExpertName.META, findings=blind_spots(coverage, lines), coverage=read_by_meta(manifest)
                )
                await self._reviews.save_static(task.review_id, stored, time.monotonic() - started)
            rejected = [each.expert for each in task.outcomes if await self._mostly_rejected(task.review_id, each)]
        return PanelJudgement(
            findings=len(stored.findings),
            rejected=tuple(rejected),
            seconds=round(time.monotonic() - started, 3),
        )

    async def _mostly_rejected(self, review_id: str, outcome: ExpertOutcome) -> bool:
        """Whether more than half of what an expert's model found does not hold."""
        opinion = await self._accepted(review_id, outcome)
        if opinion is None or not opinion.findings:
            return False
        return sum(rejects(finding) for finding in opinion.findings) * 2 > len(opinion.findings)

    async def _accepted(self, review_id: str, outcome: ExpertOutcome) -> Opinion | None:
        if outcome.accepted_attempt is None:
            return None
        return await self._reviews.opinion(review_id, outcome.expert, outcome.accepted_attempt)

    @activity.defn
    async def publish_report(self, task: PanelTask) -> ReviewOutcome:
        """Merge the experts' work into the report and store it."""
        with translated():
            report = await self._reviews.report(task.review_id)
            if report is None:
                report = await self._assembled(task)
                await self._reviews.publish(report, report.generated_at)
        return ReviewOutcome(
            review_id=task.review_id,
            partial=report.partial,
            reported=len(report.findings),
            suppressed=report.suppressed,
            totals=report.totals,
        )

    async def _assembled(self, task: PanelTask) -> ReviewReport:
        manifest, lines = await self._sources.lines(task.source_id)
        statics = await self._reviews.static_results(task.review_id)
        work: list[ExpertWork] = []
        for outcome in task.outcomes:
            static, seconds = statics.get(outcome.expert, (None, outcome.seconds))
            if static is None or outcome.status is ExpertStatus.FAILED:
                coverage = not_analysed(outcome.expert, manifest, CoverageReason.CRASHED)
                static = StaticResult(expert=outcome.expert, coverage=coverage)
            opinion = await self._accepted(task.review_id, outcome)
            work.append(
                ExpertWork(
                    expert=outcome.expert,
                    status=outcome.status,
                    findings=static.findings,
                    coverage=static.coverage,
                    tools=static.tools,
                    metrics=static.metrics,
                    opinion=opinion,
                    seconds=seconds,
                    attempts=outcome.attempts,
                    reason=outcome.reason,
                    spent_micro_usd=outcome.spent_micro_usd,
                )
            )
        frame = Frame(
            review_id=task.review_id,
            mode=task.mode,
            isolation=_weakest(result for result, _ in statics.values()),
            version=self._version,
            generated_at=datetime.now(UTC),
        )
        return assemble(frame, manifest, lines, work, task.config.consensus)


def _weakest(results: Iterable[StaticResult]) -> str:
    kinds = {result.isolation for result in results}
    return "limits-only" if "limits-only" in kinds else "namespaces"


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

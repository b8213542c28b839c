"""What is made of the experts' stored work: meta's judgement, and the report."""

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from activities.ports import PanelWork, Texts
from models.assembly import ExpertWork, Frame, assemble, not_analysed
from models.expert import CoverageReason, ExpertName, StaticResult
from models.meta import blind_spots, read_by_meta, rejects
from models.opinion import Opinion
from models.order import ExpertOutcome, PanelJudgement, PanelTask
from models.review import ExpertStatus, ReviewReport

MANY = 200
"""Findings from which on a report takes long enough that whatever else this process does must go on meanwhile."""


class Panel:
    """Reads what the experts stored. Every method raises what the stores raise."""

    def __init__(self, sources: Texts, reviews: PanelWork, version: str) -> None:
        self._sources = sources
        self._reviews = reviews
        self._version = version

    async def judged(self, task: PanelTask) -> PanelJudgement:
        """What nobody looked at, and whose model findings do not hold."""
        started = time.monotonic()
        stored = await self._reviews.start_expert(task.review_id, ExpertName.META)
        manifest, lines = await self._sources.lines(task.source_id)
        if stored is None:
            statics = await self._reviews.static_results(task.review_id)
            coverage = [entry for result, _ in statics.values() for entry in result.coverage]
            stored = StaticResult(
                expert=ExpertName.META, findings=blind_spots(coverage, lines), coverage=read_by_meta(manifest)
            )
            await self._reviews.save_static(task.review_id, stored, time.monotonic() - started)
        judged = [each for each in task.outcomes if each.expert is not ExpertName.META]
        rejected = [each.expert for each in judged if await self._mostly_rejected(task.review_id, each)]
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

    async def assembled(self, task: PanelTask) -> ReviewReport:
        """The report, not stored yet."""
        manifest, lines = await self._sources.lines(task.source_id)
        statics = await self._reviews.static_results(task.review_id)
        work: list[ExpertWork] = []
        for outcome in task.outcomes:
            static, seconds = statics.get(outcome.expert, (None, outcome.seconds))
            if static is None or outcome.status is ExpertStatus.FAILED:
                coverage = not_analysed(outcome.expert, manifest, CoverageReason.CRASHED)
                static = StaticResult(expert=outcome.expert, coverage=coverage)
                outcome = _without_static(outcome)
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
        said = (frame, manifest, lines, work, task.config.consensus, task.analysis.min_confidence)
        if sum(len(each.findings) for each in work) > MANY:
            return await asyncio.to_thread(assemble, *said)
        return assemble(*said)


def _without_static(outcome: ExpertOutcome) -> ExpertOutcome:
    """An expert whose static half is not there: failed, whatever the process believes that was prepared for it."""
    if outcome.status is ExpertStatus.FAILED:
        return outcome
    return outcome.model_copy(update={"status": ExpertStatus.FAILED, "reason": "no_static_result"})


def _weakest(results: Iterable[StaticResult]) -> str:
    kinds = {result.isolation for result in results}
    return "limits-only" if "limits-only" in kinds else "namespaces"

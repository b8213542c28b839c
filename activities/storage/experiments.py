"""Experiments in Postgres. What is decided is on the audit chain in the same transaction."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.experiment_ports import (
    Creation,
    DatasetUnknown,
    NoSamples,
    NotEvaluated,
    SampleResult,
    SampleReview,
)
from activities.storage.audit import append_in
from activities.storage.blacklist import is_quarantined, quarantine_in
from activities.storage.experiment_reads import ExperimentReads, row_in
from activities.storage.experiment_rows import (
    evaluated,
    evaluation_of,
    evaluation_row,
    event_of,
    quarantine_evidence,
)
from models import tables
from models.audit import AuditAction
from models.dataset import Split
from models.experiment import ENDED, Bar, Evaluation, ExperimentStatus, SampleEnd
from models.failures import FailureType
from models.report_hash import report_hash
from models.review import ReviewStatus
from models.reviewer_config import config_hash, similarity_hash
from models.verdict import Override
from models.version import VersionStatus

REFUSALS = frozenset({FailureType.CONFIG_QUARANTINED.value, FailureType.BAR_CHANGED.value})
"""Failures that say no to an experiment, rather than that something broke."""

CONCLAVE = "conclave"
"""Who does what happens by itself."""

GATE_REASON = "The gate failed it."

DROPPING = frozenset({ExperimentStatus.CANCELLED, ExperimentStatus.QUARANTINED})
"""Ends after which samples that are not over never will be."""


class PostgresExperiments(ExperimentReads):
    """The store of experiments."""

    async def create(self, wanted: Creation) -> tuple[tables.Experiment, bool]:
        """Note an experiment; returns its row, and whether it is new. A key used before gives the earlier one.

        Raises:
            NoSamples: nothing to measure on.
        """
        request, moment = wanted.request, datetime.now(UTC)
        config, said = config_hash(request.config), request.config.model_dump(mode="json")
        async with self._database.transaction() as session:
            positions = await positions_in(session, request.dataset_id, request.split, request.limit)
            if not positions:
                raise NoSamples
            named = {
                "config_hash": config,
                "similarity_hash": similarity_hash(request.config),
                "config": said,
                "created_by": wanted.by,
                "created_at": moment,
            }
            await session.execute(insert(tables.ReviewerConfiguration).values(named).on_conflict_do_nothing())
            row = {
                "id": wanted.id,
                "name": request.name,
                "config": said,
                "config_hash": config,
                "dataset_id": request.dataset_id,
                "positions": positions,
                "policy": wanted.policy.value,
                "status": ExperimentStatus.CREATED.value,
                "idempotency_key": wanted.idempotency_key,
                "request_hash": wanted.request_hash,
                "created_by": wanted.by,
                "created_at": moment,
            }
            added = await session.execute(
                insert(tables.Experiment).values(row).on_conflict_do_nothing().returning(col(tables.Experiment.id))
            )
            if added.scalar_one_or_none() is None:
                return await _replayed(session, wanted), False
            data = {"config_hash": config, "dataset_id": request.dataset_id, "samples": len(positions)}
            await append_in(session, event_of(AuditAction.EXPERIMENT_CREATED, wanted.by, wanted.id, data))
            return await row_in(session, wanted.id), True

    async def begin(self, experiment_id: str) -> ExperimentStatus:
        """Count as under way from now on; one that failed is tried again. Gives where it stands."""
        async with self._database.transaction() as session:
            row = await row_in(session, experiment_id, locked=True)
            if row.status in (ExperimentStatus.CREATED.value, ExperimentStatus.FAILED.value):
                row.status, row.failure, row.finished_at = ExperimentStatus.RUNNING.value, None, None
            return ExperimentStatus(row.status)

    async def open(self, experiment_id: str, bar: Bar) -> Bar:
        async with self._database.transaction() as session:
            row = await row_in(session, experiment_id, locked=True)
            if row.status == ExperimentStatus.CREATED.value:
                row.status = ExperimentStatus.RUNNING.value
            if row.bar is not None:
                return Bar.model_validate(row.bar)
            earlier = select(func.count()).where(
                col(tables.Experiment.dataset_id) == row.dataset_id, col(tables.Experiment.bar).is_not(None)
            )
            bar = bar.model_copy(update={"attempts": (await session.execute(earlier)).scalar_one() + 1})
            row.bar = bar.model_dump(mode="json")
            await session.flush()
            await append_in(session, event_of(AuditAction.EXPERIMENT_STARTED, row.created_by, row.id, row.bar))
            return bar

    async def reviews(self, experiment_id: str, first: int, count: int) -> list[SampleReview]:
        return await self._samples.reviews(await self.get(experiment_id), first, count)

    async def note_batch(self, review_ids: Sequence[str], seconds: float) -> None:
        await self._samples.note_batch(review_ids, seconds)

    async def note_results(self, ends: Sequence[SampleEnd]) -> None:
        await self._samples.note_results(ends)

    async def results(self, experiment_id: str) -> AsyncGenerator[SampleResult, None]:
        async for result in self._samples.results(await self.get(experiment_id)):
            yield result

    async def set_status(
        self, experiment_id: str, status: ExperimentStatus, failure: str | None = None
    ) -> ExperimentStatus:
        async with self._database.transaction() as session:
            row = await row_in(session, experiment_id, locked=True)
            if row.status in ENDED:
                return ExperimentStatus(row.status)
            row.status, row.failure = status.value, failure
            if status in ENDED:
                row.finished_at = datetime.now(UTC)
                if status in DROPPING:
                    await _drop_reviews(session, experiment_id)
                await session.flush()
                action = AuditAction.EXPERIMENT_REFUSED if failure in REFUSALS else AuditAction.EXPERIMENT_ENDED
                said = {"status": status.value, "failure": failure}
                await append_in(session, event_of(action, CONCLAVE, row.id, said))
            return status

    async def settle(self, experiment_id: str, evaluation: Evaluation, status: ExperimentStatus) -> ExperimentStatus:
        async with self._database.transaction() as session:
            row = await row_in(session, experiment_id, locked=True)
            if row.status in ENDED:
                return ExperimentStatus(row.status)
            if status is ExperimentStatus.QUARANTINED and await _is_stable(session, row.config_hash):
                status = ExperimentStatus.REJECTED
            elif await is_quarantined(session, row.config_hash):  # while it ran; who does it later finds it ended
                status = ExperimentStatus.QUARANTINED
            row.status, row.finished_at = status.value, datetime.now(UTC)
            kept = evaluation_row(experiment_id, evaluation)
            await session.execute(insert(tables.Evaluation).values(kept).on_conflict_do_nothing())
            await session.flush()
            # The row before the chain, as in every change of the blacklist: else two could wait for each other.
            if status is ExperimentStatus.QUARANTINED:
                evidence = quarantine_evidence(experiment_id, evaluation)
                await quarantine_in(session, row.config_hash, GATE_REASON, evidence, CONCLAVE)
            for event in evaluated(experiment_id, evaluation, status):
                await append_in(session, event)
            return status

    async def override(self, experiment_id: str, override: Override) -> Evaluation:
        """Put a person's verdict over the AI's, audited in the same transaction.

        Raises:
            NotEvaluated: there is no evaluation, or it is promoted already.
        """
        async with self._database.transaction() as session:
            row = await row_in(session, experiment_id, locked=True)
            found = await session.execute(
                select(tables.Evaluation).where(col(tables.Evaluation.experiment_id) == experiment_id)
            )
            kept = found.scalar_one_or_none()
            if kept is None or row.status == ExperimentStatus.PROMOTED.value:
                raise NotEvaluated
            kept.human_override, kept.override_reason = override.verdict.value, override.reason
            kept.evaluated_by = override.by
            now = evaluation_of(kept)
            kept.report_hash = report_hash(now.metrics, now.ai, now.decision, override)
            await session.flush()
            said = {"verdict": override.verdict.value, "over": kept.ai_verdict, "reason": override.reason}
            said["report_hash"] = kept.report_hash
            await append_in(session, event_of(AuditAction.VERDICT_OVERRIDDEN, override.by, experiment_id, said))
            return evaluation_of(kept)


async def _replayed(session: AsyncSession, wanted: Creation) -> tables.Experiment:
    query = select(tables.Experiment).where(
        col(tables.Experiment.created_by) == wanted.by,
        col(tables.Experiment.idempotency_key) == wanted.idempotency_key,
    )
    return (await session.execute(query)).scalar_one()


async def positions_in(session: AsyncSession, dataset_id: str, split: Split | None, limit: int | None) -> list[int]:
    """Positions of the samples that are asked for, in order.

    Raises:
        DatasetUnknown: no such dataset.
    """
    sample = tables.Sample
    if await session.get(tables.Dataset, dataset_id) is None:
        raise DatasetUnknown
    query = select(col(sample.position)).where(col(sample.dataset_id) == dataset_id)
    if split is not None:
        query = query.where(col(sample.split) == split.value)
    query = query.order_by(col(sample.position)).limit(limit)
    return list((await session.execute(query)).scalars())


async def _is_stable(session: AsyncSession, config: str) -> bool:
    query = select(col(tables.Version.id)).where(
        col(tables.Version.status) == VersionStatus.STABLE.value, col(tables.Version.config_hash) == config
    )
    return (await session.execute(query)).first() is not None


async def _drop_reviews(session: AsyncSession, experiment_id: str) -> None:
    mine = select(col(tables.ExperimentSample.review_id)).where(
        col(tables.ExperimentSample.experiment_id) == experiment_id
    )
    await session.execute(
        update(tables.Review)
        .where(col(tables.Review.id).in_(mine), col(tables.Review.status) == ReviewStatus.RUNNING.value)
        .values(status=ReviewStatus.CANCELLED.value, finished_at=datetime.now(UTC))
    )

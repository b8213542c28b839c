"""Comparisons in Postgres. What is compared, on what and by which margins is on the audit chain before it begins."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col

from activities.comparison_ports import (
    ComparisonCreation,
    ComparisonUnknown,
    Contender,
    DatasetsDiffer,
    NotMeasured,
    RunTotals,
    StoredComparison,
)
from activities.experiment_ports import NoSamples, SampleResult
from activities.storage.audit import append_in
from activities.storage.comparison_rows import report_of, stored, test_rows
from activities.storage.database import Database
from activities.storage.experiment_rows import event_of
from activities.storage.experiments import CONCLAVE, PostgresExperiments, positions_in
from activities.storage.paging import Position, page_of
from models import tables
from models.audit import AuditAction
from models.comparison import ALPHA, ENDED, ComparedSide, ComparisonReport, ComparisonStatus, Side
from models.experiment import Bar, ExperimentStatus
from models.gate import PolicyName
from models.ids import ID
from models.reviewer_config import similarity_hash

WITHOUT_REPORT = defer(tables.Comparison.report)  # pyright: ignore[reportArgumentType]

READABLE = frozenset(
    {
        ExperimentStatus.PASSED,
        ExperimentStatus.INCONCLUSIVE,
        ExperimentStatus.QUARANTINED,
        ExperimentStatus.REJECTED,
        ExperimentStatus.PROMOTED,
        ExperimentStatus.MEASURED,
    }
)
"""Ends after which every sample has a result."""


class PostgresComparisons:
    """The port `Comparisons`, and what people see of them."""

    def __init__(self, database: Database, experiments: PostgresExperiments) -> None:
        self._database = database
        self._experiments = experiments

    async def create(self, wanted: ComparisonCreation) -> tuple[tables.Comparison, bool]:
        """Note a comparison and its runs; returns its row, and whether it is new.

        Raises:
            NoSamples: the request leaves nothing to compare on.
            DatasetsDiffer: recorded runs are of different datasets.
            NotMeasured: a recorded run did not come to its end.
        """
        now = datetime.now(UTC)
        async with self._database.transaction() as session:
            positions = await _positions(session, wanted)
            ids = {side: _runs(wanted, each) for side, each in ((Side.V1, wanted.v1), (Side.V2, wanted.v2))}
            sides = {
                Side.V1: wanted.v1.side.model_copy(update={"experiment_ids": tuple(ids[Side.V1])}),
                Side.V2: wanted.v2.side.model_copy(update={"experiment_ids": tuple(ids[Side.V2])}),
            }
            row = {
                "id": wanted.id,
                "name": wanted.name,
                "v1_version_id": _id_of(wanted.v1.side, wanted.v1.recorded),
                "v2_version_id": _id_of(wanted.v2.side, wanted.v2.recorded),
                "sides": {side.value: each.model_dump(mode="json") for side, each in sides.items()},
                "dataset_id": wanted.dataset_id,
                "dataset_size": len(positions),
                "request": wanted.request.model_dump(mode="json"),
                "prices": wanted.prices,
                "status": ComparisonStatus.RUNNING.value,
                "idempotency_key": wanted.idempotency_key,
                "request_hash": wanted.request_hash,
                "created_by": wanted.by,
                "created_at": now,
            }
            added = await session.execute(
                insert(tables.Comparison).values(row).on_conflict_do_nothing().returning(col(tables.Comparison.id))
            )
            if added.scalar_one_or_none() is None:
                return await _replayed(session, wanted), False
            if wanted.request.dataset_id is not None:
                await _add_runs(session, wanted, {Side.V1: ids[Side.V1], Side.V2: ids[Side.V2]}, positions, now)
            said = {
                "v1": sides[Side.V1].config_hash,
                "v2": sides[Side.V2].config_hash,
                "dataset_id": wanted.dataset_id,
                "samples": len(positions),
                "repeats": wanted.request.repeats,
                "alpha": ALPHA,
                "margins": wanted.request.margins.model_dump(mode="json"),
            }
            await append_in(session, event_of(AuditAction.COMPARISON_STARTED, wanted.by, wanted.id, said))
            return await row_in(session, wanted.id), True

    async def row(self, comparison_id: str) -> tables.Comparison:
        """One comparison as it is stored."""
        if not ID.match(comparison_id):
            raise ComparisonUnknown
        async with self._database.statements() as session:
            return await row_in(session, comparison_id)

    async def page(
        self, before: Position | None, size: int, statuses: Sequence[ComparisonStatus] = ()
    ) -> list[tables.Comparison]:
        """Comparisons without their reports, newest first, older than a position; only those that stand so, if said."""
        query = select(tables.Comparison).options(WITHOUT_REPORT)
        if statuses:
            query = query.where(col(tables.Comparison.status).in_(statuses))
        query = page_of(query, col(tables.Comparison.created_at), col(tables.Comparison.id), before, size)
        async with self._database.statements() as session:
            return list((await session.execute(query)).scalars())

    async def latest(self, v1: str, v2: str) -> tables.Comparison:
        """The newest comparison of two versions or experiments that came to its end."""
        comparison = tables.Comparison
        query = (
            select(comparison)
            .where(
                col(comparison.v1_version_id) == v1,
                col(comparison.v2_version_id) == v2,
                col(comparison.status) == ComparisonStatus.COMPLETED.value,
            )
            .order_by(col(comparison.created_at).desc())
            .limit(1)
        )
        async with self._database.statements() as session:
            row = (await session.execute(query)).scalar_one_or_none()
        if row is None:
            raise ComparisonUnknown
        return row

    async def unfinished(self) -> list[tables.Comparison]:
        """Comparisons that count as under way."""
        query = select(tables.Comparison).where(col(tables.Comparison.status).not_in([each.value for each in ENDED]))
        async with self._database.statements() as session:
            return list((await session.execute(query)).scalars())

    async def runs(self, comparison_id: str) -> list[tables.Experiment]:
        """The experiments that were made for a comparison."""
        query = select(tables.Experiment).where(col(tables.Experiment.comparison_id) == comparison_id)
        async with self._database.statements() as session:
            return list((await session.execute(query)).scalars())

    async def get(self, comparison_id: str) -> StoredComparison:
        row = await self.row(comparison_id)
        async with self._database.statements() as session:
            dataset = await session.get(tables.Dataset, row.dataset_id)
            assert dataset is not None
            tried = [
                select(func.count())
                .select_from(tables.Comparison)
                .where(col(tables.Comparison.dataset_id) == row.dataset_id),
                select(func.count())
                .select_from(tables.Experiment)
                .where(
                    col(tables.Experiment.dataset_id) == row.dataset_id,
                    col(tables.Experiment.comparison_id).is_(None),
                    col(tables.Experiment.bar).is_not(None),
                ),
            ]
            attempts = sum([(await session.execute(query)).scalar_one() for query in tried])
        return stored(row, dataset, max(attempts, 1))

    async def results(self, experiment_id: str) -> AsyncGenerator[SampleResult, None]:
        async for result in self._experiments.results(experiment_id):
            yield result

    async def totals(self, experiment_id: str) -> RunTotals:
        row = await self._experiments.row(experiment_id)
        return RunTotals(
            tokens=await self._experiments.tokens(experiment_id),
            models=row.bar is not None and Bar.model_validate(row.bar).models,
            started_at=row.created_at,
            finished_at=row.finished_at,
        )

    async def set_status(
        self, comparison_id: str, status: ComparisonStatus, failure: str | None = None
    ) -> ComparisonStatus:
        async with self._database.transaction() as session:
            row = await row_in(session, comparison_id, locked=True)
            if row.status in ENDED:
                return ComparisonStatus(row.status)
            row.status, row.failure = status.value, failure
            if status in ENDED:
                row.finished_at = datetime.now(UTC)
                await session.flush()
                said = {"status": status.value, "failure": failure}
                await append_in(session, event_of(AuditAction.COMPARISON_ENDED, CONCLAVE, row.id, said))
            return status

    async def settle(self, report: ComparisonReport) -> None:
        async with self._database.transaction() as session:
            row = await row_in(session, report.comparison_id, locked=True)
            if row.status in ENDED:
                return
            row.status, row.finished_at = ComparisonStatus.COMPLETED.value, report.generated_at
            row.report = report.model_dump(mode="json")
            row.metrics = {name: each.model_dump(mode="json") for name, each in report.metrics.items()}
            row.recommendation, row.confidence = report.recommendation.value, report.confidence
            if report.statistical_tests:
                await session.execute(insert(tables.ComparisonTest).values(test_rows(report)).on_conflict_do_nothing())
            await session.flush()
            said = {
                "status": row.status,
                "recommendation": row.recommendation,
                "confidence": row.confidence,
                "dataset_hash": report.dataset_hash,
            }
            await append_in(session, event_of(AuditAction.COMPARISON_ENDED, CONCLAVE, row.id, said))

    async def report(self, comparison_id: str) -> ComparisonReport | None:
        """What came of a comparison; None: nothing yet."""
        return report_of(await self.row(comparison_id))


async def row_in(session: AsyncSession, comparison_id: str, *, locked: bool = False) -> tables.Comparison:
    """One row in the caller's transaction.

    Raises:
        ComparisonUnknown: there is none.
    """
    row = await session.get(tables.Comparison, comparison_id, with_for_update=locked)
    if row is None:
        raise ComparisonUnknown
    return row


async def _replayed(session: AsyncSession, wanted: ComparisonCreation) -> tables.Comparison:
    query = select(tables.Comparison).where(
        col(tables.Comparison.created_by) == wanted.by,
        col(tables.Comparison.idempotency_key) == wanted.idempotency_key,
    )
    return (await session.execute(query)).scalar_one()


async def _positions(session: AsyncSession, wanted: ComparisonCreation) -> list[int]:
    """Samples to compare on; of recorded runs those that both have."""
    request = wanted.request
    if request.dataset_id is not None:
        found = await positions_in(session, request.dataset_id, request.split, request.limit)
        if not found:
            raise NoSamples
        return found
    recorded = [wanted.v1.recorded, wanted.v2.recorded]
    query = select(tables.Experiment).where(col(tables.Experiment.id).in_(recorded))
    rows = list((await session.execute(query)).scalars())
    if len({row.dataset_id for row in rows}) > 1:
        raise DatasetsDiffer
    if any(row.status not in READABLE for row in rows):
        raise NotMeasured
    shared = set(rows[0].positions).intersection(*(row.positions for row in rows))
    if not shared:
        raise NoSamples
    return sorted(shared)


def _runs(wanted: ComparisonCreation, contender: Contender) -> list[str]:
    """Ids of a side's runs."""
    if contender.recorded is not None:
        return [contender.recorded]
    return [uuid4().hex for _ in range(wanted.request.repeats)]


def _id_of(side: ComparedSide, recorded: str | None) -> str:
    return recorded or side.version_id or side.ref


async def _add_runs(
    session: AsyncSession,
    wanted: ComparisonCreation,
    ids: dict[Side, list[str]],
    positions: Sequence[int],
    now: datetime,
) -> None:
    """One experiment for every side and repeat."""
    for side, contender in ((Side.V1, wanted.v1), (Side.V2, wanted.v2)):
        named = {
            "config_hash": contender.side.config_hash,
            "similarity_hash": similarity_hash(contender.config),
            "config": contender.config.model_dump(mode="json"),
            "created_by": wanted.by,
            "created_at": now,
        }
        await session.execute(insert(tables.ReviewerConfiguration).values(named).on_conflict_do_nothing())
        rows = [
            {
                "id": experiment_id,
                "name": f"{wanted.name[:60]} {side.value} run {repeat}",
                "config": named["config"],
                "config_hash": contender.side.config_hash,
                "dataset_id": wanted.dataset_id,
                "positions": list(positions),
                "policy": PolicyName.DEFAULT.value,
                "comparison_id": wanted.id,
                "status": ExperimentStatus.CREATED.value,
                "request_hash": wanted.request_hash,
                "created_by": wanted.by,
                "created_at": now,
            }
            for repeat, experiment_id in enumerate(ids[side], 1)
        ]
        await session.execute(insert(tables.Experiment).values(rows))

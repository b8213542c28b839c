"""Reviews, their experts' results and their reports, in Postgres. Saving twice changes nothing."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import defer
from sqlmodel import col, select

from activities.ports import ReviewUnknown
from activities.storage.database import Database
from models.expert import ExpertName, StaticResult
from models.ids import ID
from models.opinion import Opinion
from models.order import ExpertProgress, ReviewOrder
from models.review import ExpertStatus, ReviewReport, ReviewStatus
from models.tables import ExpertResult, Finding, Review

STATIC = 0
"""Attempt number of the static half."""

WITHOUT_REPORT = defer(Review.report)  # pyright: ignore[reportArgumentType]

# The statements of a running review are built once: building one costs more processor time than running it.
RESULTS = cast(Table, ExpertResult.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
_NEW = insert(RESULTS)
_KEY = ["review_id", "expert", "attempt"]

BEGIN = _NEW.on_conflict_do_update(index_elements=_KEY, set_={"attempt": _NEW.excluded.attempt}).returning(
    RESULTS.c.result
)
"""Notes a beginning; a row that is there already stays as it is and gives its result."""

SAVE = _NEW.on_conflict_do_update(
    index_elements=_KEY, set_={name: _NEW.excluded[name] for name in ("status", "findings", "seconds", "result")}
)

STATICS = select(RESULTS.c.result, RESULTS.c.seconds).where(
    RESULTS.c.review_id == bindparam("review"), RESULTS.c.attempt == STATIC, RESULTS.c.result.is_not(None)
)

PROGRESS = select(RESULTS.c.expert, RESULTS.c.status, RESULTS.c.findings, RESULTS.c.seconds).where(
    RESULTS.c.review_id == bindparam("review"), RESULTS.c.attempt == STATIC
)
"""Asked for several times a second by everybody who watches: without the results."""

END = (
    update(RESULTS)
    .where(RESULTS.c.review_id == bindparam("review"), RESULTS.c.expert == bindparam("name"))
    .where(RESULTS.c.attempt == STATIC)
    .values(status=bindparam("ended"), findings=bindparam("found"))
)

REPORT = select(col(Review.report)).where(col(Review.id) == bindparam("review"))


class PostgresReviews:
    """The store of reviews."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(
        self, owner: str, order: ReviewOrder, request_hash: str, idempotency_key: str | None
    ) -> tuple[Review, bool]:
        """Note a review that is about to start; returns its row, and whether it is new.

        A key that was used before gives the earlier review.
        """
        row = {
            "id": order.review_id,
            "owner": owner,
            "source_id": order.source_id,
            "status": ReviewStatus.RUNNING.value,
            "idempotency_key": idempotency_key,
            "request_hash": request_hash,
            "review_order": order.model_dump(mode="json"),
            "created_at": datetime.now(UTC),
        }
        async with self._database.transaction() as session:
            await session.execute(insert(Review).values(row).on_conflict_do_nothing())
            if idempotency_key is None:
                mine = select(Review).where(col(Review.id) == order.review_id)
            else:
                mine = select(Review).where(col(Review.owner) == owner, col(Review.idempotency_key) == idempotency_key)
            found = (await session.execute(mine)).scalar_one()
            return found, found.id == order.review_id

    async def get(self, owner: str, review_id: str) -> Review:
        """An owner's review.

        Raises:
            ReviewUnknown: this owner has no such review.
        """
        if not ID.match(review_id):  # among others what the database takes for no text at all
            raise ReviewUnknown
        async with self._database.statements() as session:
            row = await session.get(Review, review_id)
        if row is None or row.owner != owner:
            raise ReviewUnknown
        return row

    async def page(self, owner: str, before: tuple[datetime, str] | None, size: int) -> list[Review]:
        """An owner's reviews, newest first, older than a position."""
        query = select(Review).options(WITHOUT_REPORT).where(col(Review.owner) == owner)
        if before is not None:
            at, review_id = before
            query = query.where(
                (col(Review.created_at) < at) | ((col(Review.created_at) == at) & (col(Review.id) < review_id))
            )
        query = query.order_by(col(Review.created_at).desc(), col(Review.id).desc()).limit(size)
        async with self._database.statements() as session:
            return list((await session.execute(query)).scalars())

    async def unfinished(self) -> list[Review]:
        """Reviews that count as running."""
        query = select(Review).options(WITHOUT_REPORT).where(col(Review.status) == ReviewStatus.RUNNING.value)
        async with self._database.statements() as session:
            return list((await session.execute(query)).scalars())

    async def progress(self, review_id: str) -> dict[ExpertName, ExpertProgress]:
        """Where the experts stand that have begun."""
        async with self._database.statements() as session:
            rows = (await session.execute(PROGRESS, {"review": review_id})).all()
        return {
            ExpertName(row.expert): ExpertProgress(
                status=ExpertStatus(row.status), findings=row.findings, seconds=row.seconds
            )
            for row in rows
        }

    async def start_expert(self, review_id: str, expert: ExpertName) -> StaticResult | None:
        row = self._row(review_id, expert, STATIC, status=ExpertStatus.RUNNING.value)
        async with self._database.statements() as session:
            stored = (await session.execute(BEGIN, row)).scalar_one()
        return None if stored is None else StaticResult.model_validate(stored)

    async def save_static(self, review_id: str, result: StaticResult, seconds: float) -> None:
        await self._save(
            self._row(
                review_id,
                result.expert,
                STATIC,
                status=ExpertStatus.DONE.value,
                findings=len(result.findings),
                seconds=seconds,
                result=result.model_dump(mode="json"),
            )
        )

    async def static_results(self, review_id: str) -> dict[ExpertName, tuple[StaticResult, float]]:
        async with self._database.statements() as session:
            rows = (await session.execute(STATICS, {"review": review_id})).all()
        stored = [(StaticResult.model_validate(row.result), row.seconds) for row in rows]
        return {result.expert: (result, seconds) for result, seconds in stored}

    async def save_opinion(self, review_id: str, expert: ExpertName, attempt: int, opinion: Opinion) -> None:
        await self._save(
            self._row(
                review_id,
                expert,
                attempt,
                status=ExpertStatus.DONE.value,
                findings=len(opinion.findings),
                result=opinion.model_dump(mode="json"),
            )
        )

    async def opinion(self, review_id: str, expert: ExpertName, attempt: int) -> Opinion | None:
        async with self._database.statements() as session:
            row = await session.get(ExpertResult, (review_id, expert.value, attempt))
        return None if row is None or row.result is None else Opinion.model_validate(row.result)

    async def note_progress(self, review_id: str, expert: ExpertName, progress: ExpertProgress) -> None:
        change = (
            update(ExpertResult)
            .where(
                col(ExpertResult.review_id) == review_id,
                col(ExpertResult.expert) == expert.value,
                col(ExpertResult.attempt) == STATIC,
            )
            .values(status=progress.status.value)
        )
        async with self._database.statements() as session:
            await session.execute(change)

    async def publish(self, report: ReviewReport, finished_at: datetime) -> None:
        rows = [
            finding.model_dump(mode="json", include=set(Finding.model_fields)) | {"review_id": report.review_id}
            for finding in report.findings
        ]
        ends = [
            {"review": report.review_id, "name": each.expert.value, "ended": each.status.value, "found": each.findings}
            for each in report.experts
        ]
        async with self._database.transaction() as session:
            if rows:
                await session.execute(insert(Finding).values(rows).on_conflict_do_nothing())
            if ends:
                await session.execute(END, ends)
            await session.execute(
                update(Review)
                .where(col(Review.id) == report.review_id)
                .values(
                    status=ReviewStatus.COMPLETED.value,
                    partial=report.partial,
                    report=report.model_dump(mode="json"),
                    finished_at=finished_at,
                )
            )

    async def finish(self, review_id: str, status: ReviewStatus, reason: str | None, finished_at: datetime) -> None:
        change = (
            update(Review)
            .where(col(Review.id) == review_id, col(Review.status) == ReviewStatus.RUNNING.value)
            .values(status=status.value, failure=reason, finished_at=finished_at)
        )
        async with self._database.statements() as session:
            await session.execute(change)

    async def report(self, review_id: str) -> ReviewReport | None:
        async with self._database.statements() as session:
            row = (await session.execute(REPORT, {"review": review_id})).one_or_none()
        if row is None:
            raise ReviewUnknown
        return None if row.report is None else ReviewReport.model_validate(row.report)

    async def _save(self, row: dict[str, Any]) -> None:
        async with self._database.statements() as session:
            await session.execute(SAVE, row)

    @staticmethod
    def _row(review_id: str, expert: ExpertName, attempt: int, **values: Any) -> dict[str, Any]:
        return {
            "review_id": review_id,
            "expert": expert.value,
            "attempt": attempt,
            "started_at": datetime.now(UTC),
            "findings": 0,
            "seconds": 0.0,
            **values,
        }

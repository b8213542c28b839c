"""Reviews, their experts' results and their reports, in Postgres. Saving twice changes nothing."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import defer
from sqlmodel import col, select

from activities.ports import ReviewUnknown, Statics
from activities.storage.database import Database
from activities.storage.paging import Position, page_of
from activities.storage.statements import Statement, Statements
from models.admission import OpenReviews
from models.expert import ExpertName, StaticResult
from models.ids import ID
from models.opinion import Opinion
from models.order import ExpertProgress, ReviewOrder
from models.review import ExpertStatus, ReviewReport, ReviewStatus
from models.tables import ExpertResult, Finding, Review

STATEMENT_CHARACTERS = 4_000_000
"""Of all rows that are saved in one statement."""

FINDING = set(Finding.model_fields)

STATIC = 0
"""Attempt number of the static half."""

WITHOUT_REPORT = defer(Review.report)  # pyright: ignore[reportArgumentType]

_TYPES = {
    "attempt": "INTEGER",
    "findings": "INTEGER",
    "seconds": "DOUBLE PRECISION",
    "result": "JSONB",
    "started_at": "TIMESTAMPTZ",
    "found": "JSONB",
    "ended": "JSONB",
    "rows": "JSONB",
    "reviews": "TEXT[]",
}


def _statement(sql: str) -> Statement:
    return Statement(sql, _TYPES)


# What every running review asks for, at the driver's own speed.
_NEW = """
    INSERT INTO expert_results (review_id, expert, attempt, status, findings, seconds, result, started_at)
    VALUES (:review, :expert, :attempt, :status, :findings, :seconds, :result, :started_at)
    ON CONFLICT (review_id, expert, attempt) DO UPDATE
"""

BEGIN = _statement(f"{_NEW} SET attempt = excluded.attempt RETURNING result")
"""Notes a beginning; a row that is there already stays as it is and gives its result."""

SAVE = _statement(
    f"{_NEW} SET status = excluded.status, findings = excluded.findings, seconds = excluded.seconds,"
    " result = excluded.result"
)

SAVE_MANY = _statement(
    """
    INSERT INTO expert_results (review_id, expert, attempt, status, findings, seconds, result, started_at)
    SELECT each.review, each.expert, 0, :status, each.findings, each.seconds, each.result, :started_at
    FROM jsonb_to_recordset(:rows) AS each (
        review TEXT, expert TEXT, findings INTEGER, seconds DOUBLE PRECISION, result JSONB
    )
    ON CONFLICT (review_id, expert, attempt) DO UPDATE SET status = excluded.status, findings = excluded.findings,
        seconds = excluded.seconds, result = excluded.result
    WHERE expert_results.result IS NULL
    """
)
"""A result that is there already stays: a try that was believed dead may still come with its own."""

SECONDS = _statement(
    "SELECT review_id, expert, seconds FROM expert_results"
    " WHERE review_id = ANY(:reviews) AND attempt = 0 AND result IS NOT NULL"
)

STATICS = _statement(
    "SELECT review_id, result, seconds FROM expert_results"
    " WHERE review_id = ANY(:reviews) AND attempt = 0 AND result IS NOT NULL"
)

PROGRESS = _statement(
    "SELECT expert, status, findings, seconds FROM expert_results WHERE review_id = :review AND attempt = 0"
)
"""Asked for several times a second by everybody who watches: without the results."""

REPORT = _statement("SELECT report FROM reviews WHERE id = :review")

ONE_BY_ONE = text("SELECT pg_advisory_xact_lock(hashtextextended('conclave.reviews:' || current_schema(), 0))")

OPEN = text(
    "SELECT count(*) FILTER (WHERE owner = :owner), count(*) FROM reviews WHERE status = 'running' AND NOT background"
)
"""Reviews that are unfinished: the owner's, and all."""

PUBLISH = _statement(
    """
    WITH open AS (
        SELECT id FROM reviews
        WHERE id IN (SELECT review_id FROM jsonb_to_recordset(:rows) AS each (review_id TEXT)) AND status = 'running'
        ORDER BY id FOR UPDATE
    ), reported AS (
        INSERT INTO findings (
            review_id, fingerprint, rank, kind, cwe, severity, confidence, path, line_start, line_end
        )
        SELECT each.* FROM jsonb_to_recordset(:found) AS each (
            review_id TEXT, fingerprint TEXT, rank INTEGER, kind TEXT, cwe TEXT, severity TEXT,
            confidence DOUBLE PRECISION, path TEXT, line_start INTEGER, line_end INTEGER
        ) JOIN open ON open.id = each.review_id
        ON CONFLICT DO NOTHING
    ), over AS (
        UPDATE expert_results r SET status = each.status, findings = each.findings
        FROM jsonb_to_recordset(:ended) AS each (review_id TEXT, expert TEXT, status TEXT, findings INTEGER)
        WHERE r.review_id = each.review_id AND r.attempt = 0 AND r.expert = each.expert
            AND r.review_id IN (SELECT id FROM open)
            AND (r.status, r.findings) IS DISTINCT FROM (each.status, each.findings)
    )
    UPDATE reviews r SET status = 'completed', partial = each.partial, report = each.report,
        finished_at = each.generated_at
    FROM jsonb_to_recordset(:rows) AS each (review_id TEXT, partial BOOLEAN, generated_at TIMESTAMPTZ, report JSONB)
    WHERE r.id = each.review_id AND r.id IN (SELECT id FROM open)
    """
)
"""All of a review or nothing; one that has ended, cancelled for instance, stays as it is."""


class PostgresReviews:
    """The store of reviews."""

    def __init__(self, database: Database, statements: Statements) -> None:
        """Work on one database.

        Args:
            database: where reviews are.
            statements: of the same database, for what running reviews ask.
        """
        self._database = database
        self._statements = statements

    async def accept(
        self,
        owner: str,
        order: ReviewOrder,
        request_hash: str,
        idempotency_key: str | None,
        limits: OpenReviews | None = None,
    ) -> tuple[Review, bool]:
        """Note a review that is about to start; returns its row, and whether it is new.

        A key that was used before gives the earlier review, however many are unfinished.

        Raises:
            TooManyReviews: with this one there would be; nothing was noted.
        """
        row = {
            "id": order.review_id,
            "owner": owner,
            "source_id": order.source_id,
            "status": ReviewStatus.RUNNING.value,
            "idempotency_key": idempotency_key,
            "request_hash": request_hash,
            "review_order": order.model_dump(mode="json"),
            "config_hash": order.config_hash,
            "created_at": datetime.now(UTC),
        }
        async with self._database.transaction() as session:
            if limits is not None:
                # One after the other, or two would each take the last place.
                await session.execute(ONE_BY_ONE)
            await session.execute(insert(Review).values(row).on_conflict_do_nothing())
            if idempotency_key is None:
                mine = select(Review).where(col(Review.id) == order.review_id)
            else:
                mine = select(Review).where(col(Review.owner) == owner, col(Review.idempotency_key) == idempotency_key)
            found = (await session.execute(mine)).scalar_one()
            fresh = found.id == order.review_id
            if fresh and limits is not None:
                own, in_all = (await session.execute(OPEN, {"owner": owner})).one()
                limits.check(own, in_all)
            return found, fresh

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

    async def page(
        self, owner: str, before: Position | None, size: int, statuses: Sequence[ReviewStatus] = ()
    ) -> list[Review]:
        """An owner's reviews, newest first, older than a position; not those that were made in the background.

        Args:
            owner: whose.
            before: the position; None: from the newest on.
            size: reviews at most.
            statuses: only those that stand so; empty: all.
        """
        query = (
            select(Review).options(WITHOUT_REPORT).where(col(Review.owner) == owner, col(Review.background).is_(False))
        )
        if statuses:
            query = query.where(col(Review.status).in_(statuses))
        query = page_of(query, col(Review.created_at), col(Review.id), before, size)
        async with self._database.statements() as session:
            return list((await session.execute(query)).scalars())

    async def unfinished(self) -> list[Review]:
        """Reviews that count as running; those in the background are looked after by who made them."""
        query = (
            select(Review)
            .options(WITHOUT_REPORT)
            .where(col(Review.status) == ReviewStatus.RUNNING.value, col(Review.background).is_(False))
        )
        async with self._database.statements() as session:
            return list((await session.execute(query)).scalars())

    async def progress(self, review_id: str) -> dict[ExpertName, ExpertProgress]:
        """Where the experts stand that have begun."""
        rows = await self._statements.rows(PROGRESS, {"review": review_id})
        return {
            ExpertName(row["expert"]): ExpertProgress(
                status=ExpertStatus(row["status"]), findings=row["findings"], seconds=row["seconds"]
            )
            for row in rows
        }

    async def start_expert(self, review_id: str, expert: ExpertName) -> StaticResult | None:
        row = _row(review_id, expert, STATIC, status=ExpertStatus.RUNNING)
        noted = await self._statements.row(BEGIN, row)
        return None if noted["result"] is None else StaticResult.model_validate_json(noted["result"])

    async def save_static(self, review_id: str, result: StaticResult, seconds: float) -> None:
        await self._save(review_id, result.expert, STATIC, result, seconds)

    async def save_statics(self, statics: Sequence[tuple[str, StaticResult, float]]) -> None:
        values = {"status": ExpertStatus.DONE.value, "started_at": datetime.now(UTC)}
        for rows in _in_statements([_static_row(*each) for each in statics]):
            await self._statements.rows(SAVE_MANY, values | {"rows": rows})

    async def static_seconds(self, review_ids: Sequence[str]) -> dict[str, dict[ExpertName, float]]:
        found: dict[str, dict[ExpertName, float]] = {}
        for row in await self._statements.rows(SECONDS, {"reviews": list(review_ids)}):
            found.setdefault(row["review_id"], {})[ExpertName(row["expert"])] = row["seconds"]
        return found

    async def static_results(self, review_id: str) -> Statics:
        return (await self.static_results_many([review_id]))[review_id]

    async def static_results_many(self, review_ids: Sequence[str]) -> dict[str, Statics]:
        stored: dict[str, Statics] = {review_id: {} for review_id in review_ids}
        for row in await self._statements.rows(STATICS, {"reviews": list(review_ids)}):
            result = StaticResult.model_validate_json(row["result"])
            stored[row["review_id"]][result.expert] = (result, row["seconds"])
        return stored

    async def save_opinion(self, review_id: str, expert: ExpertName, attempt: int, opinion: Opinion) -> None:
        await self._save(review_id, expert, attempt, opinion)

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

    async def publish(self, reports: Sequence[ReviewReport]) -> None:
        found = [
            {"review_id": report.review_id} | finding.model_dump(mode="json", include=FINDING)
            for report in reports
            for finding in report.findings
        ]
        ended = [
            {"review_id": report.review_id, "expert": each.expert, "status": each.status, "findings": each.findings}
            for report in reports
            for each in report.experts
        ]
        rows = ",".join(map(_report_row, reports))
        values = {"found": json.dumps(found), "ended": json.dumps(ended), "rows": f"[{rows}]"}
        await self._statements.rows(PUBLISH, values)

    async def finish(self, review_id: str, status: ReviewStatus, reason: str | None, finished_at: datetime) -> None:
        change = (
            update(Review)
            .where(col(Review.id) == review_id, col(Review.status) == ReviewStatus.RUNNING.value)
            .values(status=status.value, failure=reason, finished_at=finished_at)
        )
        async with self._database.statements() as session:
            await session.execute(change)

    async def report(self, review_id: str) -> ReviewReport | None:
        row = await self._statements.row(REPORT, {"review": review_id})
        if row is None:
            raise ReviewUnknown
        return None if row["report"] is None else ReviewReport.model_validate_json(row["report"])

    async def _save(
        self, review_id: str, expert: ExpertName, attempt: int, result: StaticResult | Opinion, seconds: float = 0.0
    ) -> None:
        row = _row(review_id, expert, attempt, status=ExpertStatus.DONE) | {
            "findings": len(result.findings),
            "seconds": seconds,
            "result": result.model_dump_json(),
        }
        await self._statements.rows(SAVE, row)


def _row(review_id: str, expert: ExpertName, attempt: int, status: ExpertStatus) -> dict[str, Any]:
    return {
        "review": review_id,
        "expert": expert.value,
        "attempt": attempt,
        "status": status.value,
        "findings": 0,
        "seconds": 0.0,
        "result": None,
        "started_at": datetime.now(UTC),
    }


def _static_row(review_id: str, result: StaticResult, seconds: float) -> str:
    """One row of `SAVE_MANY`, as JSON."""
    row = {"review": review_id, "expert": result.expert, "findings": len(result.findings), "seconds": seconds}
    return f'{json.dumps(row)[:-1]}, "result": {result.model_dump_json()}}}'


def _report_row(report: ReviewReport) -> str:
    """One row of `PUBLISH`, as JSON."""
    row = report.model_dump_json(include={"review_id", "partial", "generated_at"})
    return f'{row[:-1]}, "report": {report.model_dump_json()}}}'


def _in_statements(rows: Sequence[str]) -> Iterator[str]:
    """JSON arrays of rows, none much longer than a statement should be."""
    some: list[str] = []
    size = 0
    for row in rows:
        if some and size + len(row) > STATEMENT_CHARACTERS:
            yield f"[{','.join(some)}]"
            some, size = [], 0
        some.append(row)
        size += len(row)
    if some:
        yield f"[{','.join(some)}]"

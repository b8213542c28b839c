"""The audit chain in Postgres. Numbers, times and links are the database's own: nobody here can choose them."""

import json
from collections.abc import AsyncGenerator
from datetime import UTC
from typing import Any, cast

from sqlalchemy import Select, Table, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from activities.storage.alerts import raise_alert
from activities.storage.database import Database
from models import tables
from models.alert import AlertType
from models.audit import AuditEntry, AuditEvent, AuditVerdict

LOG = cast(Table, tables.AuditEntry.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

PAGE = 200
"""Entries that a walk over the chain holds in memory, and checks before others get their turn."""

APPEND = text(
    "SELECT * FROM audit_append(:action, :actor, :subject, cast(cast(:data AS text) AS jsonb), cast(:dedup AS text))"
).columns(*LOG.columns)


async def append_in(session: AsyncSession, event: AuditEvent) -> AuditEntry:
    """Append in the caller's transaction, so that what is told and the telling happen together or not at all.

    The chain is locked from here to the end of the transaction: append last, and do nothing slow after it. An event
    whose `dedup` is there already gives the entry that is there.
    """
    said = event.model_dump(mode="json")
    row = await session.execute(APPEND, {**said, "data": json.dumps(said["data"], allow_nan=False)})
    return _entry(row.one())


class PostgresAudit:
    """The chain: appended to, and read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, event: AuditEvent) -> AuditEntry:
        """Append by itself, outside any transaction.

        Raises:
            StoreUnavailable: it cannot be written; then what it tells must not happen either.
        """
        async with self._database.statements() as session:
            return await append_in(session, event)

    async def page(
        self,
        before_seq: int | None,
        size: int,
        action: str | None = None,
        subject: str | None = None,
        actor: str | None = None,
    ) -> list[AuditEntry]:
        """Entries before a number, newest first."""
        query = select(LOG)
        if before_seq is not None:
            query = query.where(LOG.c.seq < before_seq)
        for column, wanted in ((LOG.c.action, action), (LOG.c.subject, subject), (LOG.c.actor, actor)):
            if wanted is not None:
                query = query.where(column == wanted)
        return await self._read(query.order_by(LOG.c.seq.desc()).limit(size))

    async def entries(self, first_seq: int = 1) -> AsyncGenerator[AuditEntry, None]:
        """The chain from a number on, in order; read in pages."""
        while True:
            page = await self._read(select(LOG).where(LOG.c.seq >= first_seq).order_by(LOG.c.seq).limit(PAGE))
            for entry in page:
                yield entry
            if len(page) < PAGE:
                return
            first_seq = page[-1].seq + 1

    async def head(self) -> AuditEntry | None:
        """The newest entry; None: there is none."""
        found = await self.page(None, 1)
        return found[0] if found else None

    async def alarm(self, verdict: AuditVerdict) -> None:
        """Let people know that the chain is not what it was; once for each thing that is wrong."""
        what = f"{verdict.problem} at entry {verdict.first_bad_seq}"
        async with self._database.statements() as session:
            await raise_alert(session, AlertType.AUDIT_BROKEN, "audit", what)

    async def _read(self, query: Select[Any]) -> list[AuditEntry]:
        async with self._database.statements() as session:
            return [_entry(row) for row in (await session.execute(query)).all()]


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(
        seq=row.seq,
        at=row.at.astimezone(UTC),
        action=row.action,
        actor=row.actor,
        subject=row.subject,
        data=row.data,
        dedup=row.dedup,
        prev_hash=row.prev_hash,
        hash=row.hash,
    )

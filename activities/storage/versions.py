"""Versions in Postgres: at most one is stable, and it changes under one lock, with its audit entry."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.experiment_ports import ChangeRefused, ConfigQuarantined, VersionUnknown
from activities.storage.audit import LOG, append_in
from activities.storage.database import Database
from activities.storage.paging import Position, page_of
from activities.storage.version_rows import LISTED, STABLE, VERSIONS, add_stable_in, lock_in, version_of
from models.audit import AuditAction, AuditEvent
from models.promotion_rules import Refusal
from models.reviewer_config import ReviewerConfig
from models.version import Tier, Version, VersionStatus

SHIPPED_BY = "conclave"


class PostgresVersions:
    """The port `Versions`, and what people see and do of versions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seed(self) -> None:
        """Make the shipped configuration version 1, if there is no version at all."""
        async with self._database.transaction() as session:
            await lock_in(session)
            if (await session.execute(select(VERSIONS.c.id).limit(1))).first() is None:
                now = datetime.now(UTC)
                await add_stable_in(session, {"id": uuid4().hex}, ReviewerConfig(), SHIPPED_BY, SHIPPED_BY, now)

    async def stable(self) -> Version:
        """The stable version; the shipped one at first.

        Raises:
            ConfigQuarantined: its configuration was quarantined meanwhile.
        """
        found = await self.current()
        if found.tier is Tier.QUARANTINED:
            raise ConfigQuarantined
        return found

    async def current(self) -> Version:
        """The stable version, quarantined or not: to be shown, not to be used."""
        row = await self._first(STABLE)
        if row is None:
            await self.seed()
            row = await self._first(STABLE)
        return version_of(row)

    async def find(self, wanted: str) -> Version:
        """One version, by its id or its number.

        Raises:
            VersionUnknown: there is none.
        """
        number = wanted.isascii() and wanted.isdecimal() and len(wanted) <= 9
        row = await self._first(LISTED.where(VERSIONS.c.number == int(wanted) if number else VERSIONS.c.id == wanted))
        if row is None:
            raise VersionUnknown
        return version_of(row)

    async def page(self, before: Position | None, size: int) -> list[Version]:
        """Versions older than a position (`promoted_at`, `id`), newest first."""
        query = LISTED
        query = page_of(query, VERSIONS.c.promoted_at, VERSIONS.c.id, before, size)
        async with self._database.statements() as session:
            return [version_of(row) for row in (await session.execute(query)).all()]

    async def rollback(
        self, reason: str, by: str, from_version_id: str | None = None, request_key: str | None = None
    ) -> Version:
        """Make the version before the stable one stable again; its approvals stand, so it takes no new ones.

        Args:
            reason: why.
            by: who; `conclave` where it happens by itself.
            from_version_id: only if this is the stable version; None: whichever is.
            request_key: of the request; one that comes again goes back no further.

        Returns:
            The version that is stable now.

        Raises:
            ChangeRefused: another one is stable, there is none before it, or that one is quarantined.
        """
        dedup = f"rollback:{by[:60]}:{request_key[:80]}" if request_key else None
        async with self._database.transaction() as session:
            await lock_in(session)
            now = version_of((await session.execute(STABLE)).one())
            if dedup and (await session.execute(select(LOG.c.seq).where(LOG.c.dedup == dedup))).first():
                return now
            target = await _previous(session, now)
            refusal = _objection(now, target, from_version_id)
            if target is not None and refusal is None:
                await _move(session, now.id, VersionStatus.ROLLED_BACK)
                await _move(session, target.id, VersionStatus.STABLE)
            told = {"reason": reason, "from_version": now.number, "to_version": target.number if target else None}
            event = AuditEvent(
                action=AuditAction.VERSION_ROLLED_BACK if refusal is None else AuditAction.ROLLBACK_REFUSED,
                actor=by,
                subject=now.id,
                data=told if refusal is None else told | {"refusal": refusal.value},
                dedup=dedup if refusal is None else None,
            )
            await append_in(session, event)
        if refusal is not None or target is None:
            raise ChangeRefused(refusal or Refusal.NO_PREVIOUS)
        return target.model_copy(update={"status": VersionStatus.STABLE})

    async def _first(self, query: Select[Any]) -> Any:
        async with self._database.statements() as session:
            return (await session.execute(query)).first()


async def _previous(session: AsyncSession, now: Version) -> Version | None:
    before = LISTED.where(VERSIONS.c.status == VersionStatus.RETIRED, VERSIONS.c.number < now.number)
    row = (await session.execute(before.order_by(VERSIONS.c.number.desc()).limit(1))).first()
    return None if row is None else version_of(row)


def _objection(now: Version, target: Version | None, from_version_id: str | None) -> Refusal | None:
    if from_version_id not in (None, now.id):
        return Refusal.STABLE_CHANGED
    if target is None:
        return Refusal.NO_PREVIOUS
    return Refusal.PREVIOUS_QUARANTINED if target.tier is Tier.QUARANTINED else None


async def _move(session: AsyncSession, version_id: str, status: VersionStatus) -> None:
    await session.execute(update(VERSIONS).where(VERSIONS.c.id == version_id).values(status=status.value))

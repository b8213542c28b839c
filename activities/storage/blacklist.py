"""The blacklist in Postgres. Nothing is deleted: a released configuration keeps its row, the chain every change."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import rfc8785
from sqlalchemy import Select, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from activities.experiment_ports import ChangeRefused, ConfigQuarantined, ExperimentUnknown, QuarantineUnknown
from activities.storage.alerts import raise_alert
from activities.storage.audit import append_in
from activities.storage.database import Database
from activities.storage.paging import Position, page_of
from activities.storage.version_rows import BLACKLIST, VERSIONS
from models.alert import AlertType
from models.audit import AuditAction, AuditEvent
from models.promotion_rules import Refusal
from models.quarantine import Quarantine, ReviewStatus
from models.version import VersionStatus

AUTHORS = text(
    "SELECT created_by FROM experiments WHERE config_hash = :hash "
    "UNION SELECT created_by FROM reviewer_configs WHERE config_hash = :hash"
)
"""Who made a configuration, or tried it."""

OF_EXPERIMENT = text("SELECT config_hash FROM experiments WHERE id = :experiment FOR UPDATE")
ENDED = text(
    """
    UPDATE experiments SET status = 'quarantined', finished_at = coalesce(finished_at, now())
    WHERE id = :experiment AND status NOT IN ('promoted', 'running', 'paused', 'evaluating')
    """
)
"""What is, or was, stable stays known as that; one that runs is ended by its process, which looks at the blacklist."""


async def quarantine_in(
    session: AsyncSession, config_hash: str, reason: str, evidence: Mapping[str, object], by: str
) -> Quarantine:
    """Put a configuration on the blacklist in the caller's transaction, with its audit entry.

    Nothing may be appended to the chain before it: its lock comes after that of the row.

    Once there, the first entry stays; one that was released comes back with the new reason.
    """
    row: dict[str, Any] = {
        "id": uuid4().hex,
        "config_hash": config_hash,
        "reason": reason,
        "evidence": dict(evidence),
        "quarantined_by": by,
        "quarantined_at": datetime.now(UTC),
        "review_status": ReviewStatus.QUARANTINED.value,
        "reviewed_by": None,
        "reviewed_at": None,
        "release_reason": None,
    }
    again = {name: value for name, value in row.items() if name not in ("id", "config_hash")}
    stored = (
        insert(BLACKLIST)
        .values(row)
        .on_conflict_do_update(
            index_elements=["config_hash"], set_=again, where=BLACKLIST.c.review_status == ReviewStatus.RELEASED
        )
        .returning(BLACKLIST)
    )
    new = (await session.execute(stored)).first()
    if new is None:
        return _quarantine((await session.execute(_one(config_hash))).one())
    in_production = select(literal(1)).where(
        VERSIONS.c.config_hash == config_hash, VERSIONS.c.status == VersionStatus.STABLE
    )
    if (await session.execute(in_production)).first() is not None:
        since = f"{row['quarantined_at']:%Y-%m-%d %H:%M:%S} UTC"
        await raise_alert(session, AlertType.STABLE_QUARANTINED, config_hash, since)
    event = AuditEvent(
        action=AuditAction.CONFIG_QUARANTINED,
        actor=by,
        subject=config_hash,
        data={"reason": reason, "evidence_sha256": hashlib.sha256(rfc8785.dumps(row["evidence"])).hexdigest()},
    )
    await append_in(session, event)
    return _quarantine(new)


async def is_quarantined(session: AsyncSession, config_hash: str) -> bool:
    """Whether a configuration is on the blacklist now."""
    query = select(literal(1)).where(
        BLACKLIST.c.config_hash == config_hash, BLACKLIST.c.review_status == ReviewStatus.QUARANTINED
    )
    return (await session.execute(query)).first() is not None


class PostgresBlacklist:
    """The port `Blacklist`, and what people see and do of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, config_hash: str) -> None:
        """Nothing, if the configuration may be tried and used.

        Raises:
            ConfigQuarantined: it may not.
        """
        async with self._database.statements() as session:
            if await is_quarantined(session, config_hash):
                raise ConfigQuarantined

    async def quarantine(self, config_hash: str, reason: str, evidence: Mapping[str, object], by: str) -> Quarantine:
        """Put a configuration on the blacklist; once there, the first entry stays."""
        async with self._database.transaction() as session:
            return await quarantine_in(session, config_hash, reason, evidence, by)

    async def quarantine_experiment(self, experiment_id: str, reason: str, by: str) -> Quarantine:
        """Put an experiment's configuration on the blacklist by a person's word.

        Raises:
            ExperimentUnknown: there is none.
        """
        async with self._database.transaction() as session:
            row = (await session.execute(OF_EXPERIMENT, {"experiment": experiment_id})).first()
            if row is None:
                raise ExperimentUnknown
            await session.execute(ENDED, {"experiment": experiment_id})
            evidence = {"experiment_id": experiment_id, "by_hand": True}
            return await quarantine_in(session, row.config_hash, reason, evidence, by)

    async def release(self, config_hash: str, reason: str, by: str) -> Quarantine:
        """Let a configuration be tried and used again.

        Args:
            config_hash: which.
            reason: why.
            by: an approver; neither who quarantined it, nor who made it or tried it.

        Raises:
            QuarantineUnknown: it never was on the blacklist.
            ChangeRefused: somebody else has to do it, or it is released already.
        """
        async with self._database.transaction() as session:
            row = (await session.execute(_one(config_hash).with_for_update())).first()
            if row is None:
                raise QuarantineUnknown
            authors = (await session.execute(AUTHORS, {"hash": config_hash})).scalars().all()
            refusal = _objection(row, by, set(authors))
            data = {"reason": reason, "quarantined_by": row.quarantined_by}
            action = AuditAction.CONFIG_RELEASED
            if refusal is None:
                row = (await session.execute(_released(config_hash, reason, by))).one()
            else:
                action, data = AuditAction.RELEASE_REFUSED, data | {"refusal": refusal.value}
            await append_in(session, AuditEvent(action=action, actor=by, subject=config_hash, data=data))
        if refusal is not None:
            raise ChangeRefused(refusal)
        return _quarantine(row)

    async def page(self, before: Position | None, size: int, status: ReviewStatus | None = None) -> list[Quarantine]:
        """Rows older than a position (`quarantined_at`, `id`), newest first."""
        query: Select[Any] = select(BLACKLIST)
        if status is not None:
            query = query.where(BLACKLIST.c.review_status == status)
        query = page_of(query, BLACKLIST.c.quarantined_at, BLACKLIST.c.id, before, size)
        async with self._database.statements() as session:
            return [_quarantine(row) for row in (await session.execute(query)).all()]


def _one(config_hash: str) -> Select[Any]:
    return select(BLACKLIST).where(BLACKLIST.c.config_hash == config_hash)


def _objection(row: Any, by: str, authors: set[str]) -> Refusal | None:
    if row.review_status != ReviewStatus.QUARANTINED:
        return Refusal.NOT_QUARANTINED
    if by == row.quarantined_by:
        return Refusal.OWN_QUARANTINE
    return Refusal.OWN_CONFIG if by in authors else None


def _released(config_hash: str, reason: str, by: str) -> Any:
    change = {
        "review_status": ReviewStatus.RELEASED.value,
        "reviewed_by": by,
        "reviewed_at": datetime.now(UTC),
        "release_reason": reason,
    }
    return update(BLACKLIST).where(BLACKLIST.c.config_hash == config_hash).values(change).returning(BLACKLIST)


def _quarantine(row: Any) -> Quarantine:
    return Quarantine.model_validate(dict(row._mapping))

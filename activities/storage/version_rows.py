"""The rows of versions, and the one lock under which they change."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, Table, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.quarantine import ReviewStatus
from models.reviewer_config import ReviewerConfig, config_hash, similarity_hash
from models.tables import Blacklist as BlacklistRow
from models.tables import ReviewerConfiguration
from models.tables import Version as VersionRow
from models.version import Tier, Version, VersionStatus

VERSIONS = cast(Table, VersionRow.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
BLACKLIST = cast(Table, BlacklistRow.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
CONFIGS = cast(Table, ReviewerConfiguration.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

QUARANTINED = (
    select(literal(1))
    .where(BLACKLIST.c.config_hash == VERSIONS.c.config_hash)
    .where(BLACKLIST.c.review_status == ReviewStatus.QUARANTINED)
    .exists()
    .label("quarantined")
)
LISTED: Select[Any] = select(VERSIONS, QUARANTINED)
STABLE = LISTED.where(VERSIONS.c.status == VersionStatus.STABLE)

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('conclave.versions:' || current_schema(), 0))")


async def lock_in(session: AsyncSession) -> None:
    """Until the end of the transaction nobody else changes which version is stable."""
    await session.execute(LOCK)


def version_of(row: Any) -> Version:
    """A version, from a row of `LISTED`."""
    return Version(
        id=row.id,
        number=row.number,
        config_hash=row.config_hash,
        config=ReviewerConfig.model_validate(row.config),
        status=VersionStatus(row.status),
        tier=Tier.QUARANTINED if row.quarantined else Tier.STABLE,
        experiment_id=row.experiment_id,
        promotion_id=row.promotion_id,
        promoted_by=row.promoted_by,
        promoted_at=row.promoted_at,
    )


async def save_config_in(session: AsyncSession, config: ReviewerConfig, by: str, at: datetime) -> str:
    """Keep a configuration under its hash; returns the hash. Once there, it stays."""
    name = config_hash(config)
    row = {
        "config_hash": name,
        "similarity_hash": similarity_hash(config),
        "config": config.model_dump(mode="json"),
        "created_by": by,
        "created_at": at,
    }
    await session.execute(insert(CONFIGS).values(row).on_conflict_do_nothing())
    return name


async def add_stable_in(
    session: AsyncSession, row: dict[str, Any], config: ReviewerConfig, author: str, by: str, at: datetime
) -> int:
    """Make a configuration the stable version; returns its number. The caller holds the lock and retired the last.

    Args:
        session: of the transaction.
        row: `id`, and `experiment_id` and `promotion_id` where there are any.
        config: what is used from now on.
        author: who made it.
        by: who promoted it.
        at: when.
    """
    last = (await session.execute(select(func.max(VERSIONS.c.number)))).scalar_one()
    number = int(last or 0) + 1
    values = {
        **row,
        "number": number,
        "config_hash": await save_config_in(session, config, author, at),
        "config": config.model_dump(mode="json"),
        "status": VersionStatus.STABLE.value,
        "promoted_by": by,
        "promoted_at": at,
    }
    await session.execute(VERSIONS.insert().values(values))
    return number

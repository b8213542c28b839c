"""Another version in production, written straight into the tables, for what watches it."""

import uuid
from datetime import UTC, datetime

from sqlalchemy import update

from activities.storage.database import Database
from activities.storage.version_rows import VERSIONS, add_stable_in, lock_in
from activities.storage.versions import PostgresVersions
from models.reviewer_config import ReviewerConfig
from models.version import Version, VersionStatus
from tests.activities.passed import a_config


async def promoted(database: Database, config: ReviewerConfig | None = None) -> Version:
    """A new stable version, of a configuration that nobody else has if none is given; the one before it is retired."""
    async with database.transaction() as session:
        await lock_in(session)
        stable = update(VERSIONS).where(VERSIONS.c.status == VersionStatus.STABLE)
        await session.execute(stable.values(status=VersionStatus.RETIRED.value))
        await add_stable_in(session, {"id": uuid.uuid4().hex}, config or a_config(), "ann", "eve", datetime.now(UTC))
    return await PostgresVersions(database).current()

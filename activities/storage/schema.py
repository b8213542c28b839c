"""Bringing the database to the schema this code was written for."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.storage.database import TRANSACTIONAL, engine_for
from activities.storage.grants import APP_ROLE, grant

MIGRATIONS = Path(__file__).parent / "migrations"

MIGRATION_LOCK = 0x_C0_9C_1A_7E
"""Advisory lock: one process migrates, the others wait and find nothing to do."""


class SchemaTooNew(Exception):
    """The database was migrated by a newer release; this one refuses to touch it."""


class SchemaTooOld(Exception):
    """The database lacks migrations; run `conclave migrate`."""


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, app_role: str) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    config = _config(connection)
    if _revision(connection, config) != ScriptDirectory.from_config(config).get_current_head():
        command.upgrade(config, "head")
    grant(connection, app_role)


def _revision(connection: Connection, config: Config) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(revision)
        except CommandError:
            raise SchemaTooNew from None
    return revision


def _check(connection: Connection) -> None:
    config = _config(connection)
    if _revision(connection, config) != ScriptDirectory.from_config(config).get_current_head():
        raise SchemaTooOld


async def upgrade(engine: AsyncEngine, app_role: str = APP_ROLE) -> None:
    """Run the missing migrations, once, however many processes ask.

    Args:
        engine: of the role that owns the tables.
        app_role: of the application, if it is another one; it is given what it needs.

    Raises:
        SchemaTooNew: the database is ahead of this release.
    """
    async with engine.execution_options(isolation_level=TRANSACTIONAL).begin() as connection:
        await connection.run_sync(_upgrade, app_role)


async def migrate(database_url: str, owner_url: str | None) -> None:
    """Run the missing migrations as the role that owns the tables, for the role that works with them.

    Args:
        database_url: the application's.
        owner_url: None: the application owns the tables itself.

    Raises:
        SchemaTooNew: the database is ahead of this release.
    """
    engine = engine_for(owner_url or database_url)
    try:
        await upgrade(engine, make_url(database_url).username or APP_ROLE)
    finally:
        await engine.dispose()


async def check(engine: AsyncEngine) -> None:
    """Refuse a database that does not have this release's schema.

    Raises:
        SchemaTooNew: the database is ahead of this release.
        SchemaTooOld: migrations are missing.
    """
    async with engine.begin() as connection:
        await connection.run_sync(_check)

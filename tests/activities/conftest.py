"""The real database and key service for adapters."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from activities.keys.transit import TransitKeys
from activities.payload_keys import CONTEXT
from activities.storage import schema
from activities.storage.database import Database
from activities.storage.statements import Statements
from starter.stack.launcher import Stack


def _engine(url: str, schema: str) -> AsyncEngine:
    settings = {"search_path": schema, "application_name": schema}
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_pre_ping=True,
        connect_args={"server_settings": settings},
    )


@pytest.fixture
async def empty_engine(stack: Stack) -> AsyncGenerator[AsyncEngine, None]:
    """A schema of its own, without tables, for its owner; its name is also that of its connections."""
    name = f"test_{uuid.uuid4().hex}"
    engine = _engine(stack.environment()["CONCLAVE_DATABASE_OWNER_URL"], name)
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE SCHEMA {name}"))
    yield engine
    async with engine.begin() as connection:
        await connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    await engine.dispose()


_MIGRATIONS: list[str] = []
"""What the migrations of this process's first test sent, its schema's name replaced: sent at once it takes half."""
_NAME = "test_schema_of_this_test"


@pytest.fixture
async def engine(empty_engine: AsyncEngine) -> AsyncEngine:
    """The same with this release's tables."""
    async with empty_engine.connect() as connection:
        name = (await connection.execute(text("SELECT current_schema()"))).scalar_one()
        if _MIGRATIONS:
            raw = await connection.get_raw_connection()
            script = ";\n".join(_MIGRATIONS).replace(_NAME, name)
            await raw.driver_connection.execute(script)  # pyright: ignore[reportOptionalMemberAccess]
            await connection.commit()
            return empty_engine

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if not parameters and not statement.lstrip().upper().startswith("SELECT"):
            _MIGRATIONS.append(statement.replace(name, _NAME))

    event.listen(empty_engine.sync_engine, "before_cursor_execute", keep)
    await schema.upgrade(empty_engine)
    event.remove(empty_engine.sync_engine, "before_cursor_execute", keep)
    return empty_engine


@pytest.fixture
async def database(stack: Stack, engine: AsyncEngine) -> AsyncGenerator[Database, None]:
    """The same as the application reaches it: by a role that owns nothing."""
    async with engine.connect() as connection:
        name = (await connection.execute(text("SELECT current_schema()"))).scalar_one()
    found = Database(_engine(stack.environment()["CONCLAVE_DATABASE_URL"], name))
    yield found
    await found.close()


@asynccontextmanager
async def statements_of(stack: Stack, database: Database) -> AsyncGenerator[Statements]:
    """Statements in the schema of a test's database."""
    async with database.statements() as session:
        schema = (await session.execute(text("SELECT current_schema()"))).scalar_one()
    statements = Statements(stack.environment()["CONCLAVE_DATABASE_URL"], search_path=schema, application_name=schema)
    yield statements
    await statements.close()


@pytest.fixture
async def statements(stack: Stack, database: Database) -> AsyncGenerator[Statements]:
    async with statements_of(stack, database) as found:
        yield found


@pytest.fixture
def transit(stack: Stack) -> TransitKeys:
    return transit_of(stack, CONTEXT)


def transit_of(stack: Stack, context: bytes, token: str | None = None) -> TransitKeys:
    environment = stack.environment()
    return TransitKeys(
        environment["CONCLAVE_VAULT_ADDRESS"],
        token or environment["CONCLAVE_VAULT_TOKEN"],
        "transit",
        "conclave-payloads",
        context,
    )

"""The engine, and the one translation of driver errors."""

import math
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from activities.ports import StoreUnavailable

POOL_WAIT_SECONDS = 5
STATEMENT_TIMEOUT_MS = 30_000
IDLE_SECONDS = 1.0
"""A connection that was used more recently is taken for alive."""
TRANSACTIONAL = "READ COMMITTED"
"""Isolation level of real transactions; without one every statement is a transaction by itself."""


def engine_for(database_url: str, pool_size: int = 10) -> AsyncEngine:
    """An engine that drops dead connections and never logs parameters.

    Args:
        database_url: `postgresql://...`; a `host=/folder` in the query is a unix socket.
        pool_size: connections at most.
    """
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        # Nearly all our work is one statement; BEGIN and COMMIT around each would make one round trip three.
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={
            "timeout": POOL_WAIT_SECONDS,
            "server_settings": {"statement_timeout": str(STATEMENT_TIMEOUT_MS)},
        },
    )
    _ping_after_idling(engine.sync_engine)
    return engine


def _ping_after_idling(engine: Engine) -> None:
    """Try a connection before somebody gets it, if it was idle: the database may have been started anew since.

    SQLAlchemy's `pool_pre_ping` tries every time, which costs as much as the statement that follows.
    """

    def returned(_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["returned"] = time.monotonic()

    def taken(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        if time.monotonic() - record.info.get("returned", -math.inf) < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:  # whatever the driver says: the pool replaces the connection
            raise DisconnectionError from error

    event.listen(engine.pool, "checkin", returned)
    event.listen(engine.pool, "checkout", taken)


class Database:
    """Sessions over one engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Work on an engine of `engine_for`."""
        self._engine = engine
        self._single = async_sessionmaker(engine, expire_on_commit=False)
        self._joint = async_sessionmaker(
            engine.execution_options(isolation_level=TRANSACTIONAL), expire_on_commit=False
        )

    def statements(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Statements that each count at once and by themselves.

        Raises:
            StoreUnavailable: the database cannot be reached, is overloaded or refuses for now.
        """
        return self._session(self._single)

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Statements that count together, at the end, or not at all.

        Raises:
            StoreUnavailable: the database cannot be reached, is overloaded or refuses for now.
        """
        return self._session(self._joint)

    @asynccontextmanager
    async def _session(self, sessions: async_sessionmaker[AsyncSession]) -> AsyncGenerator[AsyncSession, None]:
        try:
            async with sessions.begin() as session:
                yield session
        except (OperationalError, InterfaceError, PoolTimeout, OSError, TimeoutError) as error:
            raise StoreUnavailable from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StoreUnavailable from error
            raise

    async def close(self) -> None:
        await self._engine.dispose()

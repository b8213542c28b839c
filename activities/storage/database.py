"""The engine, and the one translation of driver errors."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from activities.ports import StoreUnavailable

POOL_WAIT_SECONDS = 5
STATEMENT_TIMEOUT_MS = 30_000


def engine_for(database_url: str, pool_size: int = 10) -> AsyncEngine:
    """An engine that drops dead connections and never logs parameters.

    Args:
        database_url: `postgresql://...`; a `host=/folder` in the query is a unix socket.
        pool_size: connections at most.
    """
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "timeout": POOL_WAIT_SECONDS,
            "server_settings": {"statement_timeout": str(STATEMENT_TIMEOUT_MS)},
        },
    )


class Database:
    """Transactions over one engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession, None]:
        """One transaction, committed at the end.

        Raises:
            StoreUnavailable: the database cannot be reached, is overloaded or refuses for now.
        """
        try:
            async with self._sessions.begin() as session:
                yield session
        except (OperationalError, InterfaceError, PoolTimeout, OSError, TimeoutError) as error:
            raise StoreUnavailable from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StoreUnavailable from error
            raise

    async def close(self) -> None:
        await self._engine.dispose()

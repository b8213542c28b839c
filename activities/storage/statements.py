"""Single statements at the driver's own speed, for the steps that every paid call takes.

The engine of `database.py` costs half a millisecond of processor time a statement, ten times what the driver does.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import asyncpg

from activities.ports import StoreUnavailable
from activities.storage.database import POOL_WAIT_SECONDS, STATEMENT_TIMEOUT_MS

_NAME = re.compile(r":([a-z_]+)")
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)
"""The server is away, starting, stopping, full, or changed places; or two transactions were in each other's way."""


class StatementFailed(Exception):
    """The database refused a statement; carries the SQLSTATE alone, because its messages quote rows."""


class Statement:
    """SQL with `:name` parameters, made into the numbered and typed ones of the server once."""

    def __init__(self, sql: str, types: Mapping[str, str]) -> None:
        """Compile.

        Args:
            sql: one statement; it has no colon but those of parameters.
            types: SQL types of parameters; text where there is none.
        """
        self._names = tuple(dict.fromkeys(_NAME.findall(sql)))
        places = {
            name: f"CAST(${number} AS {types.get(name, 'VARCHAR')})" for number, name in enumerate(self._names, 1)
        }
        self.sql = _NAME.sub(lambda found: places[found[1]], sql)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Values in the order of the numbers."""
        return [values[name] for name in self._names]


class Statements:
    """Runs statements, each a transaction by itself, over a few connections of its own."""

    def __init__(self, database_url: str, size: int = 8, **server_settings: str) -> None:
        """Connect at the first statement.

        Args:
            database_url: `postgresql://...`, as for `engine_for`.
            size: connections at most.
            server_settings: parameters of each session.
        """
        self._url = database_url
        self._size = size
        self._settings = {"statement_timeout": str(STATEMENT_TIMEOUT_MS), **server_settings}
        self._pool: Any = None
        self._opening = asyncio.Lock()

    async def rows(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        """What a statement returns, by column name.

        Raises:
            StoreUnavailable: the database cannot be reached, is overloaded or refuses for now.
            StatementFailed: it refuses for good.
        """
        try:
            pool = self._pool or await self._opened()
            async with pool.acquire(timeout=POOL_WAIT_SECONDS) as connection:
                return await connection.fetch(statement.sql, *statement.arguments(values))
        except _UNAVAILABLE as error:
            raise StoreUnavailable from error
        except asyncpg.PostgresError as error:
            raise StatementFailed(str(getattr(error, "sqlstate", ""))) from None

    async def row(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """The only row, or None."""
        found = await self.rows(statement, values)
        return found[0] if found else None

    async def _opened(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(  # pyright: ignore[reportUnknownMemberType]
                    self._url,
                    min_size=0,
                    max_size=self._size,
                    timeout=POOL_WAIT_SECONDS,
                    command_timeout=STATEMENT_TIMEOUT_MS / 1000 + POOL_WAIT_SECONDS,
                    server_settings=self._settings,
                    # Statements leave nothing behind in a session, so the round trip that cleans one is saved.
                    reset=_leave,
                )
        return self._pool

    async def close(self) -> None:
        """Let the connections go."""
        if self._pool is not None:
            await self._pool.close()


async def _leave(_connection: Any) -> None:
    """Do nothing."""

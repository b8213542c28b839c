"""The wrapped data keys of both rings, for re-wrapping: pages by id, each replaced only if nobody changed it."""

from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlmodel import col

from activities.key_ports import Wrapped, WrappedRow
from activities.payload_keys import CONTEXT
from activities.storage.database import Database
from activities.storage.user_key_rows import binding_of
from models.provider import KeyState
from models.tables import PayloadKey, UserProvider


class ProviderKeyWraps:
    """Data keys of stored provider keys, of one key service."""

    def __init__(self, database: Database, service: str) -> None:
        """Work on the rows that the named key service wrapped."""
        self._database, self._service = database, service

    async def page(self, mark: str, after: str, size: int) -> list[WrappedRow]:
        query = select(UserProvider).where(*self._older(mark), col(UserProvider.id) > after)
        async with self._database.statements() as session:
            rows = (await session.execute(query.order_by(col(UserProvider.id)).limit(size))).scalars().all()
        return [WrappedRow(row.id, Wrapped(row.encrypted_dek, binding_of(row).context)) for row in rows]

    async def replace(self, row: WrappedRow, wrapped: str) -> bool:
        change = (
            update(UserProvider)
            .where(col(UserProvider.id) == row.id, col(UserProvider.encrypted_dek) == row.key.wrapped)
            .values(encrypted_dek=wrapped)
            .returning(col(UserProvider.id))
        )
        async with self._database.statements() as session:
            return (await session.execute(change)).first() is not None

    async def behind(self, mark: str) -> int:
        return await _count(self._database, UserProvider, mark, self._older(mark))

    def _older(self, mark: str) -> list[ColumnElement[bool]]:
        return [
            col(UserProvider.state) != KeyState.REVOKED.value,
            col(UserProvider.key_service) == self._service,
            *_without(mark, col(UserProvider.encrypted_dek)),
        ]


class PayloadKeyWraps:
    """Keys of the Temporal payload codec."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, mark: str, after: str, size: int) -> list[WrappedRow]:
        query = select(PayloadKey).where(*_without(mark, col(PayloadKey.wrapped)), col(PayloadKey.id) > after)
        async with self._database.statements() as session:
            rows = (await session.execute(query.order_by(col(PayloadKey.id)).limit(size))).scalars().all()
        return [WrappedRow(row.id, Wrapped(row.wrapped, CONTEXT.decode("ascii"))) for row in rows]

    async def replace(self, row: WrappedRow, wrapped: str) -> bool:
        change = (
            update(PayloadKey)
            .where(col(PayloadKey.id) == row.id, col(PayloadKey.wrapped) == row.key.wrapped)
            .values(wrapped=wrapped)
            .returning(col(PayloadKey.id))
        )
        async with self._database.statements() as session:
            return (await session.execute(change)).first() is not None

    async def behind(self, mark: str) -> int:
        return await _count(self._database, PayloadKey, mark, _without(mark, col(PayloadKey.wrapped)))


def _without(mark: str, wrapped: Any) -> list[ColumnElement[bool]]:
    return [~func.starts_with(wrapped, mark)] if mark else []


async def _count(database: Database, table: type, mark: str, older: list[ColumnElement[bool]]) -> int:
    if not mark:
        return 0
    async with database.statements() as session:
        return (await session.execute(select(func.count()).select_from(table).where(*older))).scalar_one()

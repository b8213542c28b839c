"""Wrapped keys of the payload codec, in Postgres."""

import uuid
from datetime import UTC, datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from activities.ports import WrappedKey
from activities.storage.database import Database
from models.tables import PayloadKey


class PostgresPayloadKeys:
    """All keys that ever encrypted a payload; one of them is active."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[WrappedKey]:
        query = select(PayloadKey).order_by(col(PayloadKey.created_at))
        async with self._database.statements() as session:
            rows = (await session.execute(query)).scalars().all()
        return [WrappedKey(id=row.id, wrapped=row.wrapped, active=row.active) for row in rows]

    async def add_first(self, wrapped: str) -> None:
        row = {"id": uuid.uuid4().hex, "wrapped": wrapped, "active": True, "created_at": datetime.now(UTC)}
        async with self._database.statements() as session:
            await session.execute(insert(PayloadKey).values(row).on_conflict_do_nothing())

"""The catalogue of providers, in Postgres."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from activities.provider_ports import ProviderExists, ProviderUnknown
from activities.storage.database import Database
from models.catalogue import seed
from models.ids import ID
from models.provider import KeyState, Provider
from models.tables import Provider as Row
from models.tables import UserProvider

PROVIDERS = cast(Table, Row.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
KEYS = cast(Table, UserProvider.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

COLUMN_OF = {
    "kind": "provider_type",
    "model": "model_name",
    "endpoint": "api_endpoint",
    "max_output_tokens": "max_tokens",
    "price": "cost_per_1k_tokens",
}
"""Fields of `Provider` whose column has another name."""

ACTIVE = select(PROVIDERS).where(PROVIDERS.c.is_active).order_by(PROVIDERS.c.name)
ONE = select(PROVIDERS).where(PROVIDERS.c.id == bindparam("provider"))


class PostgresProviders:
    """The port `Providers`, and what administrators do with the catalogue. Every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def active(self) -> list[Provider]:
        """Providers that are switched on, by name."""
        async with self._database.statements() as session:
            return [_provider(row) for row in (await session.execute(ACTIVE)).mappings()]

    async def get(self, provider_id: str) -> Provider:
        """One provider, switched off ones too.

        Raises:
            ProviderUnknown: no such provider.
        """
        if not ID.match(provider_id):
            raise ProviderUnknown
        async with self._database.statements() as session:
            row = (await session.execute(ONE, {"provider": provider_id})).mappings().one_or_none()
        if row is None:
            raise ProviderUnknown
        return _provider(row)

    async def by_name(self, name: str) -> Provider:
        """One provider by its name.

        Raises:
            ProviderUnknown: no such provider.
        """
        async with self._database.statements() as session:
            found = await session.execute(select(PROVIDERS).where(PROVIDERS.c.name == name))
            row = found.mappings().one_or_none()
        if row is None:
            raise ProviderUnknown
        return _provider(row)

    async def page(self, after: str | None, size: int) -> list[Provider]:
        """Providers by name, those behind a name."""
        query = select(PROVIDERS).order_by(PROVIDERS.c.name).limit(size)
        if after is not None:
            query = query.where(PROVIDERS.c.name > after)
        async with self._database.statements() as session:
            return [_provider(row) for row in (await session.execute(query)).mappings()]

    async def add(self, provider: Provider) -> Provider:
        """Put a provider into the catalogue.

        Raises:
            ProviderExists: its name is taken.
        """
        now = datetime.now(UTC)
        try:
            async with self._database.statements() as session:
                await session.execute(
                    insert(PROVIDERS).values(columns_of(provider) | {"created_at": now, "updated_at": now})
                )
        except IntegrityError:
            raise ProviderExists from None
        return provider

    async def update(self, provider: Provider) -> Provider:
        """Replace a provider's entry.

        Raises:
            ProviderUnknown: no such provider.
            ProviderExists: its new name is taken.
        """
        change = update(PROVIDERS).where(PROVIDERS.c.id == provider.id)
        values = columns_of(provider) | {"updated_at": datetime.now(UTC)}
        try:
            async with self._database.statements() as session:
                changed = (await session.execute(change.values(values).returning(PROVIDERS.c.id))).all()
        except IntegrityError:
            raise ProviderExists from None
        if not changed:
            raise ProviderUnknown
        return provider

    async def disable(self, provider_id: str) -> None:
        """Switch a provider off; its entry stays, because ledger and reports name it.

        Raises:
            ProviderUnknown: no such provider.
        """
        change = update(PROVIDERS).where(PROVIDERS.c.id == provider_id)
        values = {"is_active": False, "updated_at": datetime.now(UTC)}
        async with self._database.statements() as session:
            if not (await session.execute(change.values(values).returning(PROVIDERS.c.id))).all():
                raise ProviderUnknown

    async def key_count(self, provider_id: str) -> int:
        """Keys that are stored for a provider, of all owners."""
        query = select(func.count()).where(KEYS.c.provider_id == provider_id, KEYS.c.state != KeyState.REVOKED.value)
        async with self._database.statements() as session:
            return int((await session.execute(query)).scalar_one())

    async def seed(self) -> None:
        """Add the entries of a new installation; what is there already is left as it is."""
        now = datetime.now(UTC)
        rows = [
            columns_of(entry.provider(uuid.uuid4().hex)) | {"created_at": now, "updated_at": now} for entry in seed()
        ]
        async with self._database.statements() as session:
            await session.execute(upsert(PROVIDERS).values(rows).on_conflict_do_nothing())


def columns_of(provider: Provider) -> dict[str, Any]:
    """A provider as a row."""
    return {COLUMN_OF.get(name, name): value for name, value in provider.model_dump(mode="json").items()}


def _provider(row: Mapping[Any, Any]) -> Provider:
    values = {name: row[COLUMN_OF.get(name, name)] for name in Provider.model_fields}
    return Provider.model_validate(values)

"""The catalogue of providers, in Postgres."""

import re
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from activities.provider_ports import KeysStored, ProviderExists, ProviderUnknown
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

NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,59}\Z")

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

    async def find(self, reference: str) -> Provider:
        """One provider by its id, or else by its name.

        Raises:
            ProviderUnknown: no such provider.
        """
        if ID.match(reference):
            with suppress(ProviderUnknown):
                return await self.get(reference)
        return await self.by_name(reference)

    async def by_name(self, name: str) -> Provider:
        """One provider by its name.

        Raises:
            ProviderUnknown: no such provider.
        """
        if not NAME.match(name):
            raise ProviderUnknown
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

    async def change(self, provider_id: str, rule: Callable[[Provider], Provider]) -> Provider:
        """Replace a provider's entry by what a rule makes of it; nobody else changes it meanwhile.

        Args:
            provider_id: which.
            rule: keeps id and name.

        Raises:
            ProviderUnknown: no such provider.
            KeysStored: it would be elsewhere, and keys go only where they were given for.
        """
        async with self._database.transaction() as session:
            before = await _locked(session, provider_id)
            after = rule(before)
            if after.endpoint != before.endpoint:
                await _refuse_keys(session, provider_id)
            values = columns_of(after) | {"updated_at": datetime.now(UTC)}
            await session.execute(update(PROVIDERS).where(PROVIDERS.c.id == provider_id).values(values))
        return after

    async def retire(self, provider_id: str) -> None:
        """Switch a provider off that has no keys; one that is off already stays as it is.

        Raises:
            ProviderUnknown: no such provider.
            KeysStored: somebody counts on it.
        """
        async with self._database.transaction() as session:
            if (await _locked(session, provider_id)).is_active:
                await _refuse_keys(session, provider_id)
                values = {"is_active": False, "updated_at": datetime.now(UTC)}
                await session.execute(update(PROVIDERS).where(PROVIDERS.c.id == provider_id).values(values))

    async def disable(self, provider_id: str) -> None:
        """Switch a provider off; its entry stays, because ledger and reports name it.

        Raises:
            ProviderUnknown: no such provider.
        """
        await self.change(provider_id, lambda provider: provider.model_copy(update={"is_active": False}))

    async def names(self) -> dict[str, str]:
        """Names of all providers, by id."""
        async with self._database.statements() as session:
            rows = (await session.execute(select(PROVIDERS.c.id, PROVIDERS.c.name))).all()
        return {row.id: row.name for row in rows}

    async def seed(self) -> None:
        """Add the entries of a new installation; what is there already is left as it is."""
        now = datetime.now(UTC)
        rows = [
            columns_of(entry.provider(uuid.uuid4().hex)) | {"created_at": now, "updated_at": now} for entry in seed()
        ]
        async with self._database.statements() as session:
            await session.execute(upsert(PROVIDERS).values(rows).on_conflict_do_nothing())


async def _locked(session: AsyncSession, provider_id: str) -> Provider:
    """A provider, held until the end of the transaction: no key can be added meanwhile either.

    Raises:
        ProviderUnknown: no such provider.
    """
    if not ID.match(provider_id):
        raise ProviderUnknown
    row = (await session.execute(ONE.with_for_update(), {"provider": provider_id})).mappings().one_or_none()
    if row is None:
        raise ProviderUnknown
    return _provider(row)


async def _refuse_keys(session: AsyncSession, provider_id: str) -> None:
    """Raises KeysStored when there are any."""
    query = select(func.count()).where(KEYS.c.provider_id == provider_id, KEYS.c.state != KeyState.REVOKED.value)
    count = int((await session.execute(query)).scalar_one())
    if count:
        raise KeysStored(count)


def columns_of(provider: Provider) -> dict[str, Any]:
    """A provider as a row."""
    return {COLUMN_OF.get(name, name): value for name, value in provider.model_dump(mode="json").items()}


def _provider(row: Mapping[Any, Any]) -> Provider:
    values = {name: row[COLUMN_OF.get(name, name)] for name in Provider.model_fields}
    return Provider.model_validate(values)

"""Keys of model providers, in Postgres: encrypted, bound to owner, provider, endpoint and version."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Update, insert, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from activities.key_ports import KeySealer, SealedKey
from activities.keys.wiping import secret_from_thread, wipe
from activities.ports import StoreUnavailable
from activities.provider_ports import KeyUnknown, KeyUnreadable, ProviderUnknown
from activities.storage.alerts import raise_alert
from activities.storage.database import Database
from activities.storage.user_key_rows import STORED, described, erasing, known
from models.alert import AlertType
from models.key import KeyBinding, checked_key, last_four
from models.provider import KeyState, Provider, ProviderKey
from models.tables import KeyVersion, UserProvider

ROTATION_TRIES = 5
"""Rotations of one key at the same moment: each but one begins again with the version after the other's."""


class PostgresKeys:
    """Stored keys: a `KeyVault`, and what owners do with their keys.

    Every method raises StoreUnavailable; what encrypts or decrypts also KeyServiceUnavailable and KeyServiceRefused.
    """

    def __init__(self, database: Database, sealer: KeySealer) -> None:
        self._database, self._sealer = database, sealer

    async def add(self, owner: str, provider: Provider, key: bytearray) -> ProviderKey:
        """Store a key for a provider and its present endpoint.

        Args:
            owner: a user, or `PLATFORM`.
            provider: whom the key is for.
            key: is wiped, whatever happens.

        Raises:
            InvalidInput: `invalid_key_format`.
            ProviderUnknown: it is not in the catalogue.
        """
        bound = _binding(owner, provider, uuid.uuid4().hex, 1)
        values = await self._sealed(bound, key)
        values |= {"id": bound.key_id, "user_id": owner, "created_at": datetime.now(UTC)}
        try:
            async with self._database.transaction() as session:
                await session.execute(insert(UserProvider).values(values | described(provider)))
                await session.execute(insert(KeyVersion).values(key_id=bound.key_id, version=1))
        except IntegrityError:
            raise ProviderUnknown from None
        return await self.get(bound.key_id, owner)

    async def rotate(self, key_id: str, owner: str, provider: Provider, key: bytearray) -> ProviderKey:
        """Replace a key by its next version, for the provider's present endpoint; it is active again.

        Args:
            key_id: which.
            owner: whose it must be.
            provider: whose it must be.
            key: the new one; is wiped, whatever happens.

        Raises:
            InvalidInput: `invalid_key_format`.
            KeyUnknown: no such key, or not of this owner and provider.
        """
        try:
            for _ in range(ROTATION_TRIES):
                row, _, newest = await self._row(key_id, owner)
                if row.provider_id != provider.id:
                    raise KeyUnknown
                bound = _binding(owner, provider, key_id, max(row.version, newest) + 1)
                values = await self._sealed(bound, bytearray(key))
                values |= {"rotated_at": datetime.now(UTC)} | described(provider)
                if await self._replaced(row, bound.version, values):
                    return await self.get(key_id, owner)
        finally:
            wipe(key)
        raise StoreUnavailable

    async def remove(self, key_id: str, owner: str) -> None:
        """Revoke a key and erase its ciphertext.

        Raises:
            KeyUnknown: no such key, or not of this owner.
        """
        if not await self._revoked(erasing(key_id).where(col(UserProvider.user_id) == owner)):
            raise KeyUnknown

    async def owned(self, owner: str) -> list[ProviderKey]:
        """Every key of an owner that was not removed, oldest first."""
        return await self._keys(col(UserProvider.user_id) == owner)

    async def get(self, key_id: str, owner: str) -> ProviderKey:
        """One key of an owner.

        Raises:
            KeyUnknown: no such key, removed, or not of this owner.
        """
        row, provider_name, _ = await self._row(key_id, owner)
        return known(row, provider_name)

    async def usable(self, owners: Sequence[str]) -> list[ProviderKey]:
        """Active keys of these owners, oldest first."""
        return await self._keys(col(UserProvider.user_id).in_(owners), col(UserProvider.is_active))

    @asynccontextmanager
    async def opened(self, key_id: str, provider: Provider) -> AsyncGenerator[bytearray, None]:
        """A key in clear for as long as the context lasts; never cached, and wiped at the end.

        Raises:
            KeyUnknown: no such key, or removed.
            KeyUnreadable: changed, swapped or put back, or given for another provider or endpoint.
        """
        key = await self._open(key_id, provider)
        try:
            yield key
        finally:
            wipe(key)

    async def set_state(self, key_id: str, state: KeyState, reason: str | None, version: int | None = None) -> None:
        """Note how a key fares; a removed key stays removed. One that becomes invalid raises its alert, once a version.

        Args:
            key_id: which.
            state: `REVOKED` removes it.
            reason: a code.
            version: only if it still is of this version: what is true of a key is not true of its successor.
        """
        if state is KeyState.REVOKED:
            await self._revoked(erasing(key_id))
            return
        change = update(UserProvider).where(
            col(UserProvider.id) == key_id, col(UserProvider.state) != KeyState.REVOKED.value
        )
        if version is not None:
            change = change.where(col(UserProvider.version) == version)
        change = change.values(state=state.value, is_active=state is KeyState.ACTIVE, reason=reason)
        async with self._database.transaction() as session:
            changed = (await session.execute(change.returning(col(UserProvider.version)))).scalar_one_or_none()
            if changed is not None and state is KeyState.INVALID:
                await raise_alert(session, AlertType.KEY_INVALID, key_id, f"version {changed}")

    async def _open(self, key_id: str, provider: Provider) -> bytearray:
        row, _, newest = await self._row(key_id)
        if (row.provider_id, row.endpoint, row.version) != (provider.id, provider.endpoint, newest):
            raise KeyUnreadable
        sealed = SealedKey(ciphertext=row.encrypted_api_key, wrapped=row.encrypted_dek, service=row.key_service)
        bound = _binding(row.user_id, provider, row.id, row.version)
        key = await secret_from_thread(partial(self._sealer.open, sealed, bound))
        if last_four(key) != row.key_last_4_chars:
            wipe(key)
            raise KeyUnreadable
        return key

    async def _sealed(self, bound: KeyBinding, key: bytearray) -> dict[str, Any]:
        """Columns of a key that is encrypted for a binding; wipes the key."""
        checked = bytearray()
        try:
            checked = checked_key(key)
            shown = last_four(checked)
            sealed = await asyncio.to_thread(self._sealer.seal, checked, bound)
        finally:
            wipe(key, checked)
        return {
            "version": bound.version,
            "endpoint": bound.endpoint,
            "encrypted_api_key": sealed.ciphertext,
            "encrypted_dek": sealed.wrapped,
            "key_service": sealed.service,
            "key_last_4_chars": shown,
            "state": KeyState.ACTIVE.value,
            "is_active": True,
            "reason": None,
        }

    async def _replaced(self, row: UserProvider, version: int, values: dict[str, Any]) -> bool:
        """Store the next version, unless the row was changed since it was read."""
        change = (
            update(UserProvider)
            .where(col(UserProvider.id) == row.id, col(UserProvider.version) == row.version)
            .where(col(UserProvider.state) != KeyState.REVOKED.value)
            .values(values)
            .returning(col(UserProvider.id))
        )
        async with self._database.transaction() as session:
            if (await session.execute(change)).first() is None:
                return False
            await session.execute(update(KeyVersion).where(col(KeyVersion.key_id) == row.id).values(version=version))
        return True

    async def _revoked(self, erasure: Update) -> bool:
        async with self._database.transaction() as session:
            found = (await session.execute(erasure.returning(col(UserProvider.id)))).first()
            if found is None:
                return False
            # A row that is put back from before is of an older version than this.
            await session.execute(
                update(KeyVersion).where(col(KeyVersion.key_id) == found[0]).values(version=col(KeyVersion.version) + 1)
            )
        return True

    async def _row(self, key_id: str, owner: str | None = None) -> tuple[UserProvider, str, int]:
        query = STORED.where(col(UserProvider.id) == key_id)
        if owner is not None:
            query = query.where(col(UserProvider.user_id) == owner)
        async with self._database.statements() as session:
            found = (await session.execute(query)).first()
        if found is None:
            raise KeyUnknown
        return found[0], found[1], found[2]

    async def _keys(self, *conditions: Any) -> list[ProviderKey]:
        async with self._database.statements() as session:
            rows = (await session.execute(STORED.where(*conditions))).all()
        return [known(row, name) for row, name, _ in rows]


def _binding(owner: str, provider: Provider, key_id: str, version: int) -> KeyBinding:
    return KeyBinding(owner=owner, provider_id=provider.id, endpoint=provider.endpoint, key_id=key_id, version=version)

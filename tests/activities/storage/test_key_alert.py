"""A key that its provider refuses is told of once per version, whoever finds it out."""

import asyncio

from sqlalchemy import select

from activities.key_ports import SealedKey
from activities.storage.database import Database
from activities.storage.user_keys import PostgresKeys
from models.key import KeyBinding
from models.provider import PLATFORM, KeyState
from models.tables import CostAlert
from tests.activities.catalogued import a_provider, catalogued


class NoSealer:
    """Keys are not read here."""

    def seal(self, key: bytearray, binding: KeyBinding) -> SealedKey:
        return SealedKey(ciphertext=b"sealed", wrapped="wrapped", service="none")

    def open(self, sealed: SealedKey, binding: KeyBinding) -> bytearray:
        raise NotImplementedError


async def told(database: Database) -> list[tuple[str, str, str]]:
    async with database.statements() as session:
        rows = (await session.execute(select(CostAlert))).scalars()
        return sorted((row.alert_type, row.user_id, row.period) for row in rows)


async def test_a_refused_key_is_told_of_once_per_version(database: Database) -> None:
    keys, provider = PostgresKeys(database, NoSealer()), await catalogued(database, a_provider(needs_key=True))
    key = await keys.add(PLATFORM, provider, bytearray(b"sk-" + b"a" * 30))
    refused = (key.id, KeyState.INVALID, "key_invalid")
    await asyncio.gather(*(keys.set_state(*refused) for _ in range(7)))  # seven experts meet the same 401
    assert await told(database) == [("key_invalid", key.id, "version 1")]
    assert await keys.usable([PLATFORM]) == []

    await keys.rotate(key.id, PLATFORM, provider, bytearray(b"sk-" + b"b" * 30))
    await keys.set_state(*refused, version=1)  # a late answer to the old one
    assert [each.version for each in await keys.usable([PLATFORM])] == [2]
    await keys.set_state(*refused, version=2)
    assert await told(database) == [("key_invalid", key.id, "version 1"), ("key_invalid", key.id, "version 2")]
    await keys.remove(key.id, PLATFORM)
    await keys.set_state(*refused)
    assert len(await told(database)) == 2

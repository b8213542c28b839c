"""Stored keys: what owners do with them, and what somebody who writes to the database cannot do with them."""

import asyncio
import itertools
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.key_ports import KeyServiceRefused
from activities.keys.sealer import EnvelopeSealer
from activities.keys.transit import TransitService
from activities.ports import KeyServiceUnavailable
from activities.provider_ports import KeyUnknown, KeyUnreadable, ProviderUnknown
from activities.storage.database import Database
from activities.storage.user_keys import PostgresKeys
from models.errors import InvalidInput
from models.provider import PLATFORM, KeyState, Provider, ProviderKey
from starter.stack.launcher import Stack
from tests.activities.catalogued import a_provider, catalogued
from tests.activities.keys.scripted_http import ScriptedHttp, serving

ADA, BOB = "ada", "bob"
FIRST, SECOND = b"sk-first-key-AAAA", b"sk-second-key-BBBB"
BOUND = ("user_id", "provider_id", "endpoint", "version", "encrypted_api_key", "encrypted_dek", "key_last_4_chars")
DESCRIPTIVE = ("provider_name", "provider_type", "model_name")


@pytest.fixture
def service(stack: Stack) -> TransitService:
    env = stack.environment()
    return TransitService(
        env["CONCLAVE_VAULT_ADDRESS"], env["CONCLAVE_VAULT_TOKEN"], "transit", "conclave-provider-keys"
    )


@pytest.fixture
def keys(database: Database, service: TransitService) -> PostgresKeys:
    return PostgresKeys(database, EnvelopeSealer(service))


@pytest.fixture
async def provider(database: Database) -> Provider:
    return await catalogued(database, a_provider(needs_key=True))


async def opened(keys: PostgresKeys, key: ProviderKey, provider: Provider) -> bytes:
    async with keys.opened(key.id, provider) as clear:
        return bytes(clear)


async def sql(database: Database, statement: str, **values: object) -> list[tuple[object, ...]]:
    async with database.statements() as session:
        result = await session.execute(text(statement), values)
        return [tuple(row) for row in result.all()] if result.returns_rows else []  # type: ignore[attr-defined]


async def test_a_key_is_stored_encrypted_shown_by_its_end_and_opened_for_one_moment(
    database: Database, keys: PostgresKeys, provider: Provider
) -> None:
    given = bytearray(FIRST)
    key = await keys.add(ADA, provider, given)
    assert given == bytes(len(FIRST)), "the caller's buffer is wiped"
    assert (key.owner, key.provider_id, key.provider_name) == (ADA, provider.id, provider.name)
    assert (key.last_four, key.version, key.state) == ("AAAA", 1, KeyState.ACTIVE)
    (row,) = await sql(database, "SELECT user_providers::text FROM user_providers")
    assert FIRST.decode() not in str(row) and FIRST.hex() not in str(row)
    async with keys.opened(key.id, provider) as clear:
        assert clear == FIRST
    assert clear == bytes(len(FIRST))
    with pytest.raises(RuntimeError):
        async with keys.opened(key.id, provider) as clear:
            raise RuntimeError
    assert clear == bytes(len(FIRST))


async def test_every_key_has_a_data_key_and_a_nonce_of_its_own(
    database: Database, keys: PostgresKeys, provider: Provider
) -> None:
    for _ in range(3):
        await keys.add(ADA, provider, bytearray(FIRST))
    rows = await sql(database, "SELECT encrypted_api_key, encrypted_dek FROM user_providers")
    assert len({row[0] for row in rows}) == len({row[1] for row in rows}) == 3


async def test_owners_see_and_change_their_own_keys_only(keys: PostgresKeys, provider: Provider) -> None:
    mine, platforms = (
        await keys.add(ADA, provider, bytearray(FIRST)),
        await keys.add(PLATFORM, provider, bytearray(SECOND)),
    )
    assert await keys.owned(ADA) == [mine] == await keys.usable([ADA])
    assert await keys.usable([ADA, PLATFORM]) == [mine, platforms]
    assert await keys.owned(BOB) == []
    for attempt in (
        lambda: keys.get(mine.id, BOB),
        lambda: keys.remove(mine.id, BOB),
        lambda: keys.rotate(mine.id, BOB, provider, bytearray(SECOND)),
        lambda: keys.get("0" * 32, ADA),
    ):
        with pytest.raises(KeyUnknown):
            await attempt()
    assert await opened(keys, mine, provider) == FIRST


async def test_a_rotated_key_is_the_next_version_and_active_again(keys: PostgresKeys, provider: Provider) -> None:
    key = await keys.add(ADA, provider, bytearray(FIRST))
    await keys.set_state(key.id, KeyState.INVALID, "refused")
    assert await keys.usable([ADA]) == []
    assert (await keys.get(key.id, ADA)).reason == "refused"
    rotated = await keys.rotate(key.id, ADA, provider, bytearray(SECOND))
    assert (rotated.version, rotated.state, rotated.reason, rotated.last_four) == (2, KeyState.ACTIVE, None, "BBBB")
    assert await opened(keys, rotated, provider) == SECOND


async def test_rotations_at_once_each_get_a_version(keys: PostgresKeys, provider: Provider) -> None:
    key = await keys.add(ADA, provider, bytearray(FIRST))
    values = [b"sk-one-of-many-%d" % number for number in range(4)]
    await asyncio.gather(*(keys.rotate(key.id, ADA, provider, bytearray(value)) for value in values))
    last = await keys.get(key.id, ADA)
    assert last.version == 5
    assert await opened(keys, last, provider) in values


async def test_a_removed_key_is_erased_and_does_not_come_back(
    database: Database, engine: AsyncEngine, keys: PostgresKeys, provider: Provider
) -> None:
    key = await keys.add(ADA, provider, bytearray(FIRST))
    await backup(engine)
    await keys.remove(key.id, ADA)
    (row,) = await sql(database, "SELECT encrypted_api_key, encrypted_dek, key_last_4_chars, state FROM user_providers")
    assert row == (b"", "", "", "revoked")
    assert await keys.owned(ADA) == await keys.usable([ADA]) == []
    for attempt in (opened(keys, key, provider), keys.remove(key.id, ADA), keys.get(key.id, ADA)):
        with pytest.raises(KeyUnknown):
            await attempt
    await keys.set_state(key.id, KeyState.ACTIVE, None)
    with pytest.raises(KeyUnknown):
        await opened(keys, key, provider)
    await restore(database)
    with pytest.raises(KeyUnreadable):
        await opened(keys, key, provider)


async def test_an_old_row_that_is_put_back_is_refused(
    database: Database, engine: AsyncEngine, keys: PostgresKeys, provider: Provider
) -> None:
    key = await keys.add(ADA, provider, bytearray(FIRST))
    await backup(engine)
    await keys.rotate(key.id, ADA, provider, bytearray(SECOND))
    await restore(database)
    with pytest.raises(KeyUnreadable):
        await opened(keys, key, provider)
    # Nor under the new version's number, nor with the record of versions turned back.
    await sql(database, "UPDATE user_providers SET version = 2")
    with pytest.raises(KeyUnreadable):
        await opened(keys, key, provider)
    for change in ("UPDATE key_versions SET version = 1", "DELETE FROM key_versions"):
        with pytest.raises(DBAPIError, match="only rise"):
            await sql(database, change)
    again = await keys.rotate(key.id, ADA, provider, bytearray(SECOND))
    assert again.version == 3
    assert await opened(keys, again, provider) == SECOND


async def backup(engine: AsyncEngine) -> None:
    """What the owner of the tables keeps and the application may read."""
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE backup AS SELECT * FROM user_providers"))
        await connection.execute(text("GRANT SELECT ON backup TO conclave_app"))


async def restore(database: Database) -> None:
    await sql(database, "DELETE FROM user_providers")
    await sql(database, "INSERT INTO user_providers SELECT * FROM backup")


async def test_no_columns_of_two_rows_can_change_places(database: Database, keys: PostgresKeys) -> None:
    one, other = await two_different(database, keys)
    ways = [each for count in (1, 2, 3) for each in itertools.combinations(BOUND, count)]
    for columns in ways:
        await swap(database, columns)
        for key, provider in (one, other):
            with pytest.raises(KeyUnreadable):
                await opened(keys, key, provider)
        await swap(database, columns)
    for key, provider in (one, other):
        assert await opened(keys, key, provider) in (FIRST, SECOND)


async def test_a_row_under_another_id_is_refused(database: Database, keys: PostgresKeys) -> None:
    (one, provider), (other, another) = await two_different(database, keys)
    for first, second in ((one.id, "spare"), (other.id, one.id), ("spare", other.id)):
        await sql(database, "UPDATE user_providers SET id = :second WHERE id = :first", first=first, second=second)
    for key, asked in itertools.product((one, other), (provider, another)):
        with pytest.raises(KeyUnreadable):
            await opened(keys, key, asked)


async def test_what_only_describes_decides_nothing(database: Database, keys: PostgresKeys) -> None:
    (one, provider), _ = await two_different(database, keys)
    await swap(database, DESCRIPTIVE)
    assert (await keys.get(one.id, ADA)).provider_name == provider.name
    assert await opened(keys, one, provider) == FIRST


async def two_different(
    database: Database, keys: PostgresKeys
) -> tuple[tuple[ProviderKey, Provider], tuple[ProviderKey, Provider]]:
    """Keys that differ in every column."""
    a = await catalogued(database, a_provider(endpoint="https://a.example/v1"))
    b = await catalogued(database, a_provider(endpoint="https://b.example/v1", kind="openai", model="model-2"))
    one = await keys.add(ADA, a, bytearray(FIRST))
    other = await keys.add(BOB, b, bytearray(FIRST))
    return (one, a), (await keys.rotate(other.id, BOB, b, bytearray(SECOND)), b)


async def swap(database: Database, columns: tuple[str, ...]) -> None:
    sets = ", ".join(f"{column} = other.{column}" for column in columns)
    await sql(
        database,
        f"UPDATE user_providers AS mine SET {sets} FROM user_providers AS other WHERE mine.id <> other.id",
    )


async def test_no_changed_byte_of_a_ciphertext_opens(
    database: Database, keys: PostgresKeys, provider: Provider
) -> None:
    key = await keys.add(ADA, provider, bytearray(FIRST))
    ((whole,),) = await sql(database, "SELECT encrypted_api_key FROM user_providers")
    assert isinstance(whole, bytes)
    for position in range(len(whole)):
        changed = whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
        await sql(database, "UPDATE user_providers SET encrypted_api_key = :changed", changed=changed)
        with pytest.raises(KeyUnreadable):
            await opened(keys, key, provider)
    for cut in (b"", whole[:-1], whole[:10], whole + b"\0"):
        await sql(database, "UPDATE user_providers SET encrypted_api_key = :changed", changed=cut)
        with pytest.raises(KeyUnreadable):
            await opened(keys, key, provider)


@pytest.mark.parametrize("forged", ["", "vault:v1:AAAA", "vault:v9:AAAA", "not a wrapped key", "vault:v0:"])
async def test_a_forged_data_key_is_refused(
    database: Database, keys: PostgresKeys, provider: Provider, service: TransitService, forged: str
) -> None:
    key = await keys.add(ADA, provider, bytearray(FIRST))
    own = service.generate("conclave/provider-key/v1/mine").wrapped
    for wrapped in (forged, own):
        await sql(database, "UPDATE user_providers SET encrypted_dek = :wrapped", wrapped=wrapped)
        with pytest.raises(KeyUnreadable):
            await opened(keys, key, provider)


async def test_a_key_goes_only_where_it_was_given_for(
    database: Database, keys: PostgresKeys, provider: Provider
) -> None:
    key = await keys.add(ADA, provider, bytearray(FIRST))
    moved = provider.model_copy(update={"endpoint": "https://evil.example/v1"})
    other = await catalogued(database, a_provider(endpoint=provider.endpoint))
    for elsewhere in (moved, other):
        with pytest.raises(KeyUnreadable):
            await opened(keys, key, elsewhere)
    # Not even when the row says so.
    await sql(database, "UPDATE user_providers SET endpoint = :there", there=moved.endpoint)
    with pytest.raises(KeyUnreadable):
        await opened(keys, key, moved)
    await sql(
        database, "UPDATE user_providers SET provider_id = :there, endpoint = :at", there=other.id, at=other.endpoint
    )
    with pytest.raises(KeyUnreadable):
        await opened(keys, key, other)
    await sql(database, "UPDATE user_providers SET provider_id = :id", id=provider.id)
    entered_again = await keys.rotate(key.id, ADA, moved, bytearray(SECOND))
    assert await opened(keys, entered_again, moved) == SECOND
    with pytest.raises(KeyUnreadable):
        await opened(keys, entered_again, provider)


@pytest.mark.parametrize("bad", [b"", b"sk key", b"sk\nkey", b"k" * 513, "sk-é".encode(), b"https://x", b'{"a":1}'])
async def test_what_is_no_key_is_not_stored_and_wiped(
    database: Database, keys: PostgresKeys, provider: Provider, bad: bytes
) -> None:
    given = bytearray(bad)
    with pytest.raises(InvalidInput, match="invalid_key_format"):
        await keys.add(ADA, provider, given)
    assert given == bytes(len(bad))
    assert await keys.owned(ADA) == []


async def test_a_key_for_a_provider_that_is_not_there_is_not_stored(database: Database, keys: PostgresKeys) -> None:
    with pytest.raises(ProviderUnknown):
        await keys.add(ADA, a_provider(), bytearray(FIRST))
    assert (
        await sql(database, "SELECT * FROM user_providers") == await sql(database, "SELECT * FROM key_versions") == []
    )


@pytest.mark.parametrize(("status", "error"), [(503, KeyServiceUnavailable), (403, KeyServiceRefused)])
async def test_while_the_key_service_does_not_serve_nothing_is_stored_and_nothing_opened(
    database: Database, keys: PostgresKeys, provider: Provider, status: int, error: type[Exception]
) -> None:
    key = await keys.add(ADA, provider, bytearray(FIRST))
    with serving(ScriptedHttp(status, {"errors": ["Vault is sealed"]})) as server:
        down = PostgresKeys(database, EnvelopeSealer(TransitService(server.address, "t", "transit", "k")))
        given, also = bytearray(SECOND), bytearray(SECOND)
        for attempt in (
            down.add(ADA, provider, given),
            down.rotate(key.id, ADA, provider, also),
            opened(down, key, provider),
        ):
            with pytest.raises(error):
                await attempt
    assert given == also == bytes(len(SECOND))
    assert await keys.owned(ADA) == [key]
    assert await opened(keys, key, provider) == FIRST


async def test_a_state_is_of_the_version_it_was_seen_of(keys: PostgresKeys, provider: Provider) -> None:
    key = await keys.add(ADA, provider, bytearray(FIRST))
    await keys.rotate(key.id, ADA, provider, bytearray(SECOND))
    await keys.set_state(key.id, KeyState.INVALID, "refused", version=1)
    assert [each.version for each in await keys.usable([ADA])] == [2]
    await keys.set_state(key.id, KeyState.REVOKED, None)
    assert await keys.owned(ADA) == []
    await keys.set_state(uuid.uuid4().hex, KeyState.INVALID, None)


async def test_a_key_that_arrives_after_its_caller_left_is_wiped(
    database: Database, service: TransitService, provider: Provider
) -> None:
    arrived: list[bytearray] = []

    class Slow(EnvelopeSealer):
        def open(self, sealed, binding):  # type: ignore[no-untyped-def]
            import time

            arrived.append(super().open(sealed, binding))
            time.sleep(0.2)
            return arrived[0]

    keys = PostgresKeys(database, Slow(service))
    key = await keys.add(ADA, provider, bytearray(FIRST))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15):
            await opened(keys, key, provider)
    await asyncio.sleep(0.3)
    assert arrived == [bytearray(len(FIRST))]

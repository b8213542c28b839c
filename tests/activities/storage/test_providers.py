"""The catalogue in Postgres: seeded once, changed by administrators, held in place by keys."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from activities.keys.sealer import EnvelopeSealer
from activities.keys.transit import TransitService
from activities.provider_ports import KeysStored, KeyUnreadable, ProviderExists, ProviderUnknown
from activities.storage.database import Database
from activities.storage.providers import PROVIDERS, PostgresProviders
from activities.storage.user_keys import PostgresKeys
from models.catalogue import seed
from models.provider import PriceOverride, Provider
from starter.stack.launcher import Stack
from tests.activities.catalogued import a_provider


@pytest.fixture
def providers(database: Database) -> PostgresProviders:
    return PostgresProviders(database)


@pytest.fixture
def keys(stack: Stack, database: Database) -> PostgresKeys:
    environment = stack.environment()
    service = TransitService(
        environment["CONCLAVE_VAULT_ADDRESS"],
        environment["CONCLAVE_VAULT_TOKEN"],
        "transit",
        "conclave-provider-keys",
    )
    return PostgresKeys(database, EnvelopeSealer(service))


def elsewhere(provider: Provider) -> Provider:
    return provider.model_copy(update={"endpoint": "http://127.0.0.1:10/v1"})


async def test_a_provider_is_read_as_it_was_written(providers: PostgresProviders) -> None:
    plain = await providers.add(a_provider())
    price = PriceOverride.model_validate({"input": "0.15", "output": "0.6", "cache_read": "0.000001"})
    full = await providers.add(a_provider(price=price, requests_per_minute=1, last_resort=True, quality=0.123))
    for each in (plain, full):
        assert (
            await providers.get(each.id)
            == await providers.by_name(each.name)
            == await providers.find(each.name)
            == each
        )
        assert await providers.find(each.id) == each


async def test_seeding_twice_or_at_once_changes_nothing(providers: PostgresProviders) -> None:
    await asyncio.gather(providers.seed(), providers.seed(), providers.seed())
    first = await providers.page(None, 1000)
    assert sorted(each.name for each in first) == sorted(each.name for each in seed())
    changed = await providers.change(first[0].id, lambda each: each.model_copy(update={"quality": 0.01}))
    await providers.disable(first[1].id)
    await providers.seed()
    after = await providers.page(None, 1000)
    assert [each.id for each in after] == [each.id for each in first]
    assert (after[0], after[1].is_active) == (changed, False)
    assert await providers.active() == [each for each in after if each.is_active]
    assert await providers.names() == {each.id: each.name for each in first}


async def test_pages_go_on_behind_a_name(providers: PostgresProviders) -> None:
    for name in ("b", "a", "d", "c"):
        await providers.add(a_provider(name=name))
    assert [each.name for each in await providers.page(None, 2)] == ["a", "b"]
    assert [each.name for each in await providers.page("b", 9)] == ["c", "d"]


async def test_a_name_is_taken_once(providers: PostgresProviders) -> None:
    await providers.add(a_provider(name="one"))
    with pytest.raises(ProviderExists):
        await providers.add(a_provider(name="one"))


@pytest.mark.parametrize("reference", ["0" * 32, "none", "", "\0", "a\n", "A", "x" * 61, "a" * 32 + "\n", "%"])
async def test_providers_that_are_none(providers: PostgresProviders, reference: str) -> None:
    for ask in (providers.get, providers.by_name, providers.find, providers.disable, providers.retire):
        with pytest.raises(ProviderUnknown):
            await ask(reference)
    with pytest.raises(ProviderUnknown):
        await providers.change(reference, lambda each: each)


async def test_a_name_that_looks_like_an_id_is_found_after_ids(providers: PostgresProviders) -> None:
    one = await providers.add(a_provider())
    two = await providers.add(a_provider(name=one.id))
    assert (await providers.find(one.id), await providers.by_name(one.id)) == (one, two)
    three = await providers.add(a_provider(name="f" * 32))
    assert await providers.find("f" * 32) == three


async def test_changes_at_once_do_not_undo_each_other(providers: PostgresProviders) -> None:
    provider = await providers.add(a_provider())
    fields = {"quality": 0.9, "last_resort": True, "timeout_seconds": 7, "max_concurrency": 3}
    await asyncio.gather(
        *(
            providers.change(provider.id, lambda each, one=name, to=value: each.model_copy(update={one: to}))
            for name, value in fields.items()
        )
    )
    assert await providers.get(provider.id) == provider.model_copy(update=fields)


async def test_keys_hold_a_provider_where_it_is(providers: PostgresProviders, keys: PostgresKeys) -> None:
    provider = await providers.add(a_provider())
    mine = await keys.add("user", provider, bytearray(b"sk-0123456789abcdef"))
    shared = await keys.add("platform", provider, bytearray(b"sk-0123456789abcdef"))
    with pytest.raises(KeysStored) as moved:
        await providers.change(provider.id, elsewhere)
    with pytest.raises(KeysStored) as retired:
        await providers.retire(provider.id)
    assert (moved.value.count, retired.value.count) == (2, 2)
    assert await providers.get(provider.id) == provider
    await keys.remove(mine.id, "user")
    await keys.remove(shared.id, "platform")
    assert (await providers.change(provider.id, elsewhere)).endpoint == elsewhere(provider).endpoint
    await providers.retire(provider.id)
    assert not (await providers.get(provider.id)).is_active


async def test_a_provider_that_is_off_stays_off_whatever_keys_there_are(
    providers: PostgresProviders, keys: PostgresKeys
) -> None:
    provider = await providers.add(a_provider())
    await keys.add("user", provider, bytearray(b"sk-0123456789abcdef"))
    await providers.disable(provider.id)
    await providers.retire(provider.id)


async def test_a_key_that_comes_while_its_provider_moves_goes_nowhere_else(
    providers: PostgresProviders, keys: PostgresKeys
) -> None:
    provider = await providers.add(a_provider())
    added, moved = await asyncio.gather(
        keys.add("user", provider, bytearray(b"sk-0123456789abcdef")),
        providers.change(provider.id, elsewhere),
        return_exceptions=True,
    )
    now = await providers.get(provider.id)
    if isinstance(moved, KeysStored):
        assert now == provider
        return
    assert not isinstance(added, BaseException)
    with pytest.raises(KeyUnreadable):
        async with keys.opened(added.id, now):
            pass


async def test_a_change_is_dated(providers: PostgresProviders, database: Database) -> None:
    provider = await providers.add(a_provider())
    before = datetime.now(UTC)
    await providers.change(provider.id, lambda each: each.model_copy(update={"quality": 0.4}))
    async with database.statements() as session:
        row = (await session.execute(select(PROVIDERS).where(PROVIDERS.c.id == provider.id))).one()
    assert row.created_at < before <= row.updated_at

"""Where providers stand, in the real database, with marks in the real Redis."""

import asyncio
import socket
from collections.abc import AsyncGenerator

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from activities.provider_ports import ProviderUnknown
from activities.quota.best_effort import BestEffortRedis, impatient_client
from activities.quota.health_marks import RedisHealthMarks, mark_of
from activities.storage.database import Database
from activities.storage.health import PostgresHealth
from models.call import CallFailure
from models.health import Probe
from models.tables import CostAlert
from starter.stack.launcher import Stack
from tests.activities.catalogued import a_provider, catalogued
from tests.activities.quota.conftest import PATIENCE

Changes = list[tuple[str, str]]


@pytest.fixture
async def redis(stack: Stack) -> AsyncGenerator[Redis, None]:
    client = impatient_client(stack.environment()["CONCLAVE_REDIS_URL"], PATIENCE)
    yield client
    await client.aclose()


@pytest.fixture
def store(database: Database, redis: Redis) -> PostgresHealth:
    return PostgresHealth(database, RedisHealthMarks(BestEffortRedis(redis, PATIENCE)))


@pytest.fixture
async def provider(database: Database) -> str:
    return (await catalogued(database, a_provider())).id


def good(provider_id: str) -> Probe:
    return Probe(provider_id=provider_id, http_status=200, latency_ms=40, valid_json=True)


def bad(provider_id: str) -> Probe:
    return Probe(provider_id=provider_id, http_status=503, latency_ms=40, failure="overloaded")


async def alerts(database: Database) -> Changes:
    async with database.statements() as session:
        rows = await session.execute(select(CostAlert).order_by(CostAlert.triggered_at))  # type: ignore[arg-type]
        return [(row.alert_type, row.user_id) for row in rows.scalars()]


async def test_recovery_takes_three_good_looks_in_a_row_and_each_change_is_told_once(
    store: PostgresHealth, database: Database, redis: Redis, provider: str
) -> None:
    seen: list[bool] = []
    for look in (good, bad, bad, good, good, bad, good, good, good, good):
        seen.append((await store.note(look(provider))).is_healthy)
        assert bool(await redis.exists(mark_of(provider))) is not seen[-1]
    assert seen == [True, *[False] * 7, True, True]
    assert await alerts(database) == [("provider_unhealthy", provider), ("provider_recovered", provider)]
    stored = (await store.all())[provider]
    assert stored.is_healthy and stored.good_streak == 4 and stored.response_time_ms == 40
    assert stored.last_check_at is not None and stored.last_check_at.endswith("+00:00")


async def test_looks_at_the_same_time_are_taken_one_after_the_other(
    store: PostgresHealth, database: Database, provider: str
) -> None:
    await asyncio.gather(*(store.note(bad(provider)) for _ in range(8)))
    assert (await store.all())[provider].consecutive_failures == 8
    await asyncio.gather(*(store.note(good(provider)) for _ in range(3)))
    assert (await store.all())[provider].is_healthy
    assert [kind for kind, _ in await alerts(database)] == ["provider_unhealthy", "provider_recovered"]


async def test_a_provider_that_is_gone_is_unknown(store: PostgresHealth, database: Database) -> None:
    with pytest.raises(ProviderUnknown):
        await store.note(bad("0" * 32))
    assert await alerts(database) == []


async def test_only_outages_in_a_row_stop_a_provider(store: PostgresHealth, database: Database, provider: str) -> None:
    async def call(failure: CallFailure | None, status: int | None = None) -> None:
        await store.note_passive(provider, failure, 100, status)

    for _ in range(3):
        for failure in (CallFailure.SERVER_ERROR, CallFailure.TIMEOUT, None):
            await call(failure)
    for failure in (CallFailure.KEY_INVALID, CallFailure.RATE_LIMITED, CallFailure.REFUSED, CallFailure.BUSY):
        for _ in range(5):
            await call(failure)
    for _ in range(5):
        await call(CallFailure.OVERLOADED, 429)
    assert await store.all() == {} and await alerts(database) == []

    await call(CallFailure.SERVER_ERROR)
    await call(CallFailure.KEY_INVALID)  # says nothing, so it does not end the row either
    await call(CallFailure.TLS_FAILED)
    assert await store.all() == {}
    await call(CallFailure.BAD_RESPONSE)
    assert (await store.all())[provider].last_error == "provider_bad_response"
    assert await alerts(database) == [("provider_unhealthy", provider)]
    for _ in range(10):
        await call(None)
    assert not (await store.all())[provider].is_healthy, "real calls do not bring it back"


async def test_outages_are_counted_over_all_workers(
    store: PostgresHealth, database: Database, redis: Redis, provider: str
) -> None:
    elsewhere = PostgresHealth(database, RedisHealthMarks(BestEffortRedis(redis, PATIENCE)))
    for each in (store, elsewhere, store):
        assert await each.all() == {}
        await each.note_passive(provider, CallFailure.UNREACHABLE, 5)
    assert not (await store.all())[provider].is_healthy


async def test_marks_that_were_lost_are_written_anew(store: PostgresHealth, redis: Redis, provider: str) -> None:
    await store.note(bad(provider))
    await redis.delete(mark_of(provider))
    await store.mark_all()
    assert await redis.exists(mark_of(provider))


async def test_without_redis_health_is_kept_all_the_same(database: Database, provider: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = impatient_client(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        store = PostgresHealth(database, RedisHealthMarks(BestEffortRedis(client)))
        for _ in range(4):
            await store.note_passive(provider, CallFailure.TIMEOUT, 5)
        assert not (await store.note(bad(provider))).is_healthy
        assert [kind for kind, _ in await alerts(database)] == ["provider_unhealthy"]
        await client.aclose()

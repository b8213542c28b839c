"""Whatever Redis does, money is counted right; and no user id reaches another one's counters."""

import asyncio
import logging
import socket
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from activities.provider_ports import QuotaExceeded
from activities.quota.best_effort import PAUSE_SECONDS, BestEffortRedis, impatient_client
from activities.quota.counters import RedisCounters, Taken, keys_of
from activities.quota.gate import QuotaGate
from activities.storage.ledger import PostgresLedger
from activities.storage.quotas import PostgresQuotas
from models.quota import QuotaLimits
from starter.stack.launcher import Stack
from tests.activities.quota.holds import hold

LIMITS = QuotaLimits(daily_micro_usd=1000, monthly_micro_usd=1000)


def today() -> str:
    return datetime.now(UTC).date().isoformat()


async def spend_all(gate: QuotaGate, user: str, times: int = 10) -> int:
    """How often 100 of 1000 micro-USD are granted."""
    granted = 0
    for _ in range(times + 2):
        try:
            await gate.reserve(hold(user, 100))
            granted += 1
        except QuotaExceeded:
            pass
    return granted


@given(st.text(max_size=150), st.text(max_size=150))
def test_no_two_users_share_a_counter(one: str, other: str) -> None:
    keys = set(keys_of(one, "2026-11-26")) & set(keys_of(other, "2026-11-26"))
    assert bool(keys) == (one == other)


@pytest.mark.parametrize("user", ["a:2026-11-26", "a:*", "*", "", "a b", "~" + "0" * 64, "a\n", "\ud800"])
def test_odd_users_are_hashed(user: str) -> None:
    day, month = keys_of(user, "2026-11-26")
    assert day.startswith("quota:~") and day.count(":") == 2 and "*" not in day
    assert month == day.removesuffix("-26")
    assert keys_of("ann@example.org", "2026-11-26")[0] == "quota:ann@example.org:2026-11-26"


async def test_counters_check_and_set_aside_in_one_step(
    counters: RedisCounters, quotas: PostgresQuotas, ledger: PostgresLedger, user: str, redis: Redis
) -> None:
    assert await counters.take(user, today(), 1) is Taken.ABSENT
    await quotas.set(user, LIMITS)
    await counters.copy(await ledger.standing(user), create=True)
    said = await asyncio.gather(*(counters.take(user, today(), 100) for _ in range(50)))
    assert said.count(Taken.TAKEN) == 10 and said.count(Taken.FULL) == 40
    assert all([await redis.ttl(key) > 0 for key in keys_of(user, today())])


async def test_an_older_copy_never_replaces_a_newer_one(
    gate: QuotaGate, counters: RedisCounters, ledger: PostgresLedger, user: str, redis: Redis
) -> None:
    await gate.reserve(hold(user, 100))
    old = await ledger.standing(user)
    await gate.reserve(hold(user, 100))
    await asyncio.gather(*(counters.copy(old, create=True) for _ in range(5)))
    assert await redis.hget(keys_of(user, today())[0], "held") == "200"


async def test_emptied_at_nine_tenths_it_still_ends_at_the_limit(
    gate: QuotaGate, quotas: PostgresQuotas, user: str, redis: Redis
) -> None:
    await quotas.set(user, LIMITS)
    assert await spend_all(gate, user, times=7) == 9
    await redis.delete(*keys_of(user, today()))
    assert await spend_all(gate, user) == 1
    await redis.delete(keys_of(user, today())[1])  # one of the two was evicted
    assert await spend_all(gate, user) == 0


@pytest.mark.parametrize("field", ["held", "revision"])
async def test_a_key_that_is_no_counter_is_dropped_and_made_anew(
    gate: QuotaGate, quotas: PostgresQuotas, user: str, redis: Redis, caplog: pytest.LogCaptureFixture, field: str
) -> None:
    await quotas.set(user, LIMITS)
    await gate.reserve(hold(user, 100))
    day, month = keys_of(user, today())
    await redis.hset(day, field, "a lot")
    await redis.delete(month)
    await redis.set(month, "no hash")
    assert await spend_all(gate, user) == 9
    assert "redis_state_broken" in caplog.text
    assert await redis.hmget(month, ["requests", "held"]) == ["10", "1000"]


async def test_a_counter_that_is_too_high_refuses_nobody(
    gate: QuotaGate, quotas: PostgresQuotas, user: str, redis: Redis
) -> None:
    await quotas.set(user, LIMITS)
    await gate.reserve(hold(user, 100))
    await redis.hincrby(keys_of(user, today())[0], "held", 900)  # a process died between Redis and the ledger
    assert await spend_all(gate, user, times=7) == 9, "every one of nine"


async def test_scripts_that_the_server_forgot_are_sent_again(gate: QuotaGate, user: str, redis: Redis) -> None:
    await gate.reserve(hold(user, 100))
    await redis.script_flush()
    await gate.reserve(hold(user, 100))
    assert await redis.hget(keys_of(user, today())[0], "requests") == "2"


async def test_a_read_only_or_full_server_is_done_without(
    gate: QuotaGate, quotas: PostgresQuotas, user: str, stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    """A user of Redis that may not write answers with an error as a replica does."""
    await quotas.set(user, LIMITS)
    admin = impatient_client(stack.environment()["CONCLAVE_REDIS_URL"])
    await admin.execute_command("ACL", "SETUSER", "reader", "on", ">reading", "~*", "+@read", "+select", "+client")
    _, _, place = stack.environment()["CONCLAVE_REDIS_URL"].rpartition("@")
    try:
        reader = RedisCounters(BestEffortRedis(impatient_client(f"redis://reader:reading@{place}")))
        assert await spend_all(QuotaGate(reader, gate._ledger), user) == 10
        assert "redis_unavailable" in caplog.text
        await reader.close()
    finally:
        await admin.execute_command("ACL", "DELUSER", "reader")
        await admin.aclose()


async def test_without_redis_the_ledger_alone_bounds_and_a_silent_one_is_not_waited_for(
    gate: QuotaGate, quotas: PostgresQuotas, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    await quotas.set(user, LIMITS)
    caplog.set_level(logging.WARNING)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts and never answers
        client = impatient_client(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        alone = QuotaGate(RedisCounters(BestEffortRedis(client)), gate._ledger)
        began = asyncio.get_running_loop().time()
        assert await spend_all(alone, user) == 10
        assert asyncio.get_running_loop().time() - began < PAUSE_SECONDS, "one time-out, then none for a while"
    assert "redis_unavailable" in caplog.text

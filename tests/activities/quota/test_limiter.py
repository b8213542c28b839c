"""Limits and cooldowns over all workers, on a real Redis."""

import asyncio
import random
import socket
import time
import uuid
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from redis.asyncio import Redis

from activities.provider_ports import ProviderBusy, RateLimits
from activities.quota import limiter as limiter_module
from activities.quota.best_effort import PAUSE_SECONDS, BestEffortRedis, impatient_client
from activities.quota.limiter import REMEMBERED, RedisLimiter
from models.call import CallFailure
from models.provider import Provider
from models.traffic import CIRCUIT_FAILURES, CIRCUIT_FIRST_SECONDS, LONGEST_COOLDOWN_SECONDS
from starter.stack.launcher import Stack
from tests.activities.quota.conftest import PATIENCE

NOTHING_TOLD = RateLimits()


def provider(**changes: Any) -> Provider:
    base: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "name": "loop",
        "kind": "vllm",
        "protocol": "openai-chat",
        "model": "m",
        "endpoint": "http://127.0.0.1:9/v1",
        "tier": "cheap",
        "context_tokens": 8000,
        "max_output_tokens": 1000,
    }
    return Provider.model_validate(base | changes)


@pytest.fixture
def limiter(redis: Redis) -> RedisLimiter:
    return RedisLimiter(BestEffortRedis(redis, PATIENCE))


@pytest.fixture
async def elsewhere(stack: Stack) -> AsyncGenerator[RedisLimiter, None]:
    """Another worker."""
    client = impatient_client(stack.environment()["CONCLAVE_REDIS_URL"], PATIENCE)
    yield RedisLimiter(BestEffortRedis(client, PATIENCE))
    await client.aclose()


async def try_it(limiter: RedisLimiter, where: Provider, key: str | None = None, tokens: int = 10) -> float | None:
    """None: it may go; else after how many seconds."""
    try:
        async with limiter.slot(where, key, tokens):
            return None
    except ProviderBusy as busy:
        return busy.retry_after_seconds


async def cooling(limiter: RedisLimiter, where: Provider, key: str | None = None) -> float:
    return (await limiter.traffic([(where.id, key)]))[where.id, key].cooling_seconds


async def fail(limiter: RedisLimiter, where: Provider, times: int, failure: CallFailure | None) -> None:
    for _ in range(times):
        await limiter.note(where.id, 5, failure, NOTHING_TOLD)


async def test_no_more_calls_at_once_than_allowed_over_all_workers(
    limiter: RedisLimiter, elsewhere: RedisLimiter
) -> None:
    where, inside, most = provider(max_concurrency=3), 0, 0

    async def call(of: RedisLimiter) -> bool:
        nonlocal inside, most
        try:
            async with of.slot(where, None, 1):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.05)
                inside -= 1
                return True
        except ProviderBusy as busy:
            assert 0 < busy.retry_after_seconds < 2
            return False

    went = await asyncio.gather(*(call(each) for each in [limiter, elsewhere] * 20))
    assert most == 3 == sum(went)
    assert await try_it(elsewhere, where) is None, "places are free again"


async def test_a_place_is_given_back_when_its_holder_fails_or_is_cancelled(limiter: RedisLimiter) -> None:
    where = provider(max_concurrency=1)
    with pytest.raises(RuntimeError):
        async with limiter.slot(where, None, 1):
            raise RuntimeError

    async def hang() -> None:
        async with limiter.slot(where, None, 1):
            await asyncio.sleep(60)

    task = asyncio.create_task(hang())
    await asyncio.sleep(0.05)
    assert await try_it(limiter, where) is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await try_it(limiter, where) is None


async def test_the_place_of_a_killed_worker_lapses(
    limiter: RedisLimiter, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter_module, "LEASE_MARGIN_SECONDS", -0.8)
    where = provider(max_concurrency=1, timeout_seconds=1)
    slot = limiter.slot(where, None, 1)
    await slot.__aenter__()  # and never comes back
    assert await try_it(limiter, where) is not None
    assert await redis.ttl(f"provider:{where.id}:leases") > 0, "nothing is kept for ever"
    await asyncio.sleep(0.25)
    assert await try_it(limiter, where) is None


@pytest.mark.parametrize("limits", [{"requests_per_minute": 5}, {"tokens_per_minute": 59}])
async def test_no_minute_sees_more_than_allowed(
    limiter: RedisLimiter, elsewhere: RedisLimiter, limits: dict[str, int]
) -> None:
    where = provider(**limits)
    said = await asyncio.gather(*(try_it(each, where, tokens=10) for each in [limiter, elsewhere] * 6))
    refused = [each for each in said if each is not None]
    assert len(said) - len(refused) == 5
    assert all(58 < wait <= 61 for wait in refused), "as long as the oldest of the last minute counts"


async def test_old_seconds_count_no_more_and_those_left_tell_the_wait(limiter: RedisLimiter, redis: Redis) -> None:
    where = provider(requests_per_minute=10)
    second, _ = await redis.time()
    await redis.hset(
        f"provider:{where.id}:requests", mapping={str(second - 62): 10, str(second - 40): 4, str(second - 20): 6}
    )
    wait = await try_it(limiter, where)
    assert wait is not None and 19 <= wait <= 21
    await redis.hdel(f"provider:{where.id}:requests", str(second - 40))
    assert await try_it(limiter, where) is None


async def test_a_question_larger_than_a_minute_allows_goes_alone(limiter: RedisLimiter) -> None:
    where = provider(tokens_per_minute=100)
    assert await try_it(limiter, where, tokens=5000) is None
    assert await try_it(limiter, where, tokens=1) is not None


async def test_minutes_are_counted_per_key(limiter: RedisLimiter) -> None:
    where = provider(requests_per_minute=1)
    assert await try_it(limiter, where, "a") is None
    assert await try_it(limiter, where, "a") is not None
    assert await try_it(limiter, where, "b") is None


async def test_concurrent_cooldowns_never_shorten_a_deadline(limiter: RedisLimiter, elsewhere: RedisLimiter) -> None:
    """LiteLLM #40130: the second of two cooldowns replaced the first one's longer deadline, or the other way round."""
    where, waits = provider(), [random.Random(7).uniform(1, 300) for _ in range(60)]
    waits[20] = 400.0
    deadlines: list[float] = []

    async def cool(of: RedisLimiter, wait: float) -> None:
        await of.cool(where.id, "k", wait)
        deadlines.append(time.monotonic() + await cooling(of, where, "k"))

    await asyncio.gather(*(cool([limiter, elsewhere][i % 2], wait) for i, wait in enumerate(waits)))
    assert all(later > earlier - 0.3 for earlier, later in zip(deadlines, deadlines[1:], strict=False))
    assert 399 < await cooling(elsewhere, where, "k") <= 400
    await limiter.cool(where.id, "k", 1)
    assert 399 < (await try_it(elsewhere, where, "k") or 0) <= 400
    assert await try_it(elsewhere, where, "other") is None, "another key of the same provider goes on"


async def test_a_short_cooldown_ends(limiter: RedisLimiter) -> None:
    where = provider()
    await limiter.cool(where.id, None, 0.2)
    assert await try_it(limiter, where, "any") is not None
    await asyncio.sleep(0.25)
    assert await try_it(limiter, where, "any") is None


@pytest.mark.parametrize(
    ("asked", "low", "high"), [(-5.0, 0, 0), (float("nan"), 0, 0), (1e300, LONGEST_COOLDOWN_SECONDS - 1, 86_400)]
)
async def test_absurd_waits_are_made_sane(limiter: RedisLimiter, asked: float, low: float, high: float) -> None:
    where = provider()
    await limiter.cool(where.id, None, asked)
    assert low <= await cooling(limiter, where) <= high


async def test_used_up_limits_cool_their_key_until_the_reset(limiter: RedisLimiter) -> None:
    where = provider()
    used_up = RateLimits(requests_remaining=3, tokens_remaining=0, tokens_reset_seconds=20.0)
    await limiter.note(where.id, 100, None, used_up, "k")
    await limiter.note(where.id, 100, None, RateLimits(requests_remaining=0), "other")  # does not say until when
    assert 19 < await cooling(limiter, where, "k") <= 20
    assert await cooling(limiter, where, "other") == 0


async def test_25_errors_in_a_row_are_out_of_rotation(limiter: RedisLimiter, elsewhere: RedisLimiter) -> None:
    """LiteLLM PR 34836: 25 consecutive 500s stayed in rotation."""
    where = provider()
    await fail(limiter, where, CIRCUIT_FAILURES - 1, CallFailure.SERVER_ERROR)
    assert await try_it(elsewhere, where) is None
    # They were all under way when it opened, so it opens once.
    await asyncio.gather(*(fail(each, where, 1, CallFailure.SERVER_ERROR) for each in [limiter, elsewhere] * 10))
    for key in (None, "k"):
        wait = await try_it(elsewhere, where, key)
        assert wait is not None and CIRCUIT_FIRST_SECONDS - 1 < wait <= CIRCUIT_FIRST_SECONDS
    assert await cooling(elsewhere, where, "k") > 0


async def over(redis: Redis, where: Provider) -> None:
    """As if the circuit had been open for long enough."""
    await redis.delete(f"provider:{where.id}:cooling")
    await redis.hset(f"provider:{where.id}:circuit", "open_until", 1)


async def test_one_call_at_a_time_tries_a_circuit_and_failing_doubles_it(limiter: RedisLimiter, redis: Redis) -> None:
    where = provider()
    await fail(limiter, where, CIRCUIT_FAILURES, CallFailure.TIMEOUT)
    for seconds in (60, 120, 240, 300, 300):
        await over(redis, where)
        async with limiter.slot(where, None, 1):
            assert await try_it(limiter, where) is not None
        await fail(limiter, where, 1, CallFailure.TIMEOUT)
        assert seconds - 1 < await cooling(limiter, where) <= seconds
    await over(redis, where)
    await fail(limiter, where, 1, None)
    async with limiter.slot(where, None, 1):
        assert await try_it(limiter, where) is None, "an answer closes it"
    await fail(limiter, where, CIRCUIT_FAILURES, CallFailure.TIMEOUT)
    assert await cooling(limiter, where) <= CIRCUIT_FIRST_SECONDS, "and the next time begins with the shortest"


@pytest.mark.parametrize("failure", [CallFailure.KEY_INVALID, CallFailure.BILLING, CallFailure.RATE_LIMITED])
async def test_a_bad_key_never_cools_its_provider(limiter: RedisLimiter, failure: CallFailure) -> None:
    where = provider()
    for _ in range(25):
        await limiter.note(where.id, 5, failure, NOTHING_TOLD, "users")
    assert await try_it(limiter, where, "platforms") is None
    assert (await limiter.traffic([(where.id, "platforms")]))[where.id, "platforms"].failures == 0


async def test_latency_and_success_are_read_from_the_last_calls(limiter: RedisLimiter, elsewhere: RedisLimiter) -> None:
    where, unseen = provider(), provider()
    for latency in range(1, 251):
        await limiter.note(where.id, latency, None, NOTHING_TOLD)
    for failure in (CallFailure.TIMEOUT, CallFailure.SCHEMA_VIOLATION, CallFailure.RATE_LIMITED):
        await limiter.note(where.id, 60_000, failure, NOTHING_TOLD)
    said = await elsewhere.traffic([(where.id, "a"), (where.id, None), (unseen.id, None)])
    seen = said[where.id, "a"]
    # The last 200 that count are the latencies 53 to 250, and two failures.
    assert (seen.successes, seen.failures) == (REMEMBERED - 2, 2)
    assert (seen.latency_p50_ms, seen.latency_p95_ms) == (151, 241)
    assert said[where.id, None] == seen
    assert said[unseen.id, None].latency_p50_ms is None


async def test_what_is_old_says_nothing(limiter: RedisLimiter, redis: Redis) -> None:
    where, (second, _) = provider(), await redis.time()
    await redis.lpush(f"provider:{where.id}:recent", f"{(second - 3700) * 1000} good 10", f"{second * 1000} good 20")
    seen = (await limiter.traffic([(where.id, None)]))[where.id, None]
    assert (seen.successes, seen.latency_p50_ms) == (1, 20)


async def test_what_is_no_call_is_passed_over(limiter: RedisLimiter, redis: Redis) -> None:
    where, (second, _) = provider(), await redis.time()
    garbage = ("what is this?", "", f"{second * 1000} good", f"{second * 1000} good nan", f"x good {second}")
    await redis.lpush(f"provider:{where.id}:recent", f"{second * 1000} good 20", *garbage)
    seen = (await limiter.traffic([(where.id, None)]))[where.id, None]
    assert (seen.successes, seen.failures, seen.latency_p50_ms) == (1, 0, 20)


async def test_state_of_another_type_is_dropped(limiter: RedisLimiter, redis: Redis) -> None:
    where = provider(requests_per_minute=1)
    for key in ("leases", "circuit", "requests", "recent", "cooling"):
        await redis.lpush(f"provider:{where.id}:{key}", "what is this?")
    assert await try_it(limiter, where) is None
    await limiter.note(where.id, 5, None, NOTHING_TOLD)
    assert await try_it(limiter, where) is None
    assert await try_it(limiter, where) is not None, "and counted from now on"


async def test_scripts_that_the_server_forgot_are_sent_again(limiter: RedisLimiter, redis: Redis) -> None:
    where = provider()
    await limiter.cool(where.id, None, 30)
    await redis.script_flush()
    assert await try_it(limiter, where) is not None


async def test_without_redis_calls_go_ahead_and_a_silent_one_is_not_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts and never answers
        client = impatient_client(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        alone, where = RedisLimiter(BestEffortRedis(client)), provider(max_concurrency=1)
        began = time.monotonic()
        for _ in range(5):
            assert await try_it(alone, where) is None
        await alone.cool(where.id, None, 60)
        await alone.note(where.id, 5, CallFailure.SERVER_ERROR, NOTHING_TOLD)
        assert await cooling(alone, where) == 0
        assert time.monotonic() - began < PAUSE_SECONDS, "one time-out, then none for a while"
        await client.aclose()
    assert "redis_unavailable" in caplog.text

"""Limits, cooldowns and what was seen of providers, in Redis: shared by all workers.

Limits are courtesy towards providers; money is guarded elsewhere. So when Redis cannot be asked, calls go ahead: the
providers then enforce their limits themselves, and every failure is still handled one by one.
"""

import random
import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import uuid4

from activities.provider_ports import ProviderBusy, RateLimits, Traffic
from activities.quota.best_effort import BestEffortRedis, reply
from activities.quota.limiter_scripts import COOL, NOTE, TAKE
from models.call import CallFailure
from models.provider import Provider
from models.traffic import (
    CIRCUIT_FAILURES,
    CIRCUIT_LONGEST_SECONDS,
    Outcome,
    bounded_seconds,
    circuit_seconds,
    outcome_of,
    percentile,
)

LEASE_MARGIN_SECONDS = 30
"""Beyond a call's deadline: then whoever held the place is dead."""
SOON_SECONDS = (0.5, 1.5)
"""When to look for a free place again; spread, so that those who wait do not come at once."""
REMEMBERED = 200
"""Calls per provider from which latency and success are read."""
RECENT_MS = 3_600_000
"""Older calls say nothing about now."""
KNOWN_SECONDS = 1.0
"""For this long one process takes what was seen for unchanged; cooldowns are always read anew."""

Place = tuple[str, str | None]

_ENTRY = re.compile(r"(?P<at>[0-9]{1,15}) (?P<outcome>[a-z-]{1,20}) (?P<latency>[0-9]{1,12}(\.[0-9]{1,12})?)", re.ASCII)
"""A call as the script notes it; anything else that stands in the list is passed over."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """Names of one place's state in Redis."""

    provider_cooling: str
    key_cooling: str
    leases: str
    circuit: str
    requests: str
    tokens: str
    recent: str

    @property
    def all(self) -> list[str]:
        return [getattr(self, name) for name in self.__slots__]


def _keys(provider_id: str, key_id: str | None) -> _Keys:
    """Minutes are counted per key, because providers count them per account; places are the provider's."""
    base = f"provider:{provider_id}"
    place = base if key_id is None else f"{base}:key:{key_id}"
    return _Keys(
        provider_cooling=f"{base}:cooling",
        key_cooling=f"{place}:cooling",
        leases=f"{base}:leases",
        circuit=f"{base}:circuit",
        requests=f"{place}:requests",
        tokens=f"{place}:tokens",
        recent=f"{base}:recent",
    )


def _openings() -> list[int]:
    """Milliseconds of the first, second, ... opening of a circuit, up to the longest."""
    steps = [circuit_seconds(1)]
    while steps[-1] < CIRCUIT_LONGEST_SECONDS:
        steps.append(circuit_seconds(len(steps) + 1))
    return [_ms(each) for each in steps]


class RedisLimiter:
    """The port `Limiter`."""

    def __init__(self, redis: BestEffortRedis) -> None:
        self._redis = redis
        self._take = redis.script(TAKE)
        self._cool = redis.script(COOL)
        self._note = redis.script(NOTE)
        self._open_ms = _openings()
        self._seen: dict[str, tuple[float, Traffic]] = {}

    def slot(self, provider: Provider, key_id: str | None, tokens: int) -> AbstractAsyncContextManager[None]:
        """The right to make one call now; its place is free again at the end, or when its holder must be dead.

        Raises:
            ProviderBusy: a cooldown, an open circuit, or a limit of calls at once or per minute is in the way.
        """
        return self._slot(provider, key_id, tokens)

    @asynccontextmanager
    async def _slot(self, provider: Provider, key_id: str | None, tokens: int) -> AsyncGenerator[None, None]:
        keys, lease = _keys(provider.id, key_id), uuid4().hex
        names = [keys.provider_cooling, keys.key_cooling, keys.leases, keys.circuit, keys.requests, keys.tokens]
        arguments = [
            lease,
            (provider.timeout_seconds + LEASE_MARGIN_SECONDS) * 1000,
            provider.max_concurrency,
            CIRCUIT_FAILURES,
            tokens,
            provider.requests_per_minute or "",
            provider.tokens_per_minute or "",
        ]
        try:
            said = await self._redis.ask(lambda: self._take(keys=names, args=arguments), keys.all)
            if said is not None and said[0] != "taken":
                raise ProviderBusy(said[1] / 1000 if said[1] else random.uniform(*SOON_SECONDS))
            yield
        finally:
            # Also after an answer that never came: it may have been taken all the same.
            await self._redis.ask(lambda: reply(self._redis.client.zrem(keys.leases, lease)), keys.all)

    async def cool(self, provider_id: str, key_id: str | None, seconds: float) -> None:
        """Ask nobody there for a while; a longer cooldown is never shortened.

        Args:
            provider_id: where.
            key_id: with which key; None: with any.
            seconds: at most a day counts.
        """
        keys, wait = _keys(provider_id, key_id), _ms(bounded_seconds(seconds))
        await self._redis.ask(lambda: self._cool(keys=[keys.key_cooling], args=[wait]), keys.all)

    async def note(
        self,
        provider_id: str,
        latency_ms: int,
        failure: CallFailure | None,
        limits: RateLimits,
        key_id: str | None = None,
        http_status: int | None = None,
    ) -> None:
        """What a call looked like: opens the circuit after outages in a row, and heeds the limits it was told of.

        Args:
            provider_id: who was asked.
            latency_ms: how long it took.
            failure: None for an answer.
            limits: as the headers tell; they are those of the key's account.
            key_id: with which key.
            http_status: where there was one.
        """
        keys, wait = _keys(provider_id, key_id), _ms(_told_to_wait(limits))
        names = [keys.recent, keys.circuit, keys.key_cooling, keys.provider_cooling]
        outcome = outcome_of(failure, http_status)
        arguments = [outcome.value, latency_ms, wait, REMEMBERED, CIRCUIT_FAILURES, *self._open_ms]
        await self._redis.ask(lambda: self._note(keys=names, args=arguments), keys.all)

    async def traffic(self, places: Sequence[Place]) -> Mapping[Place, Traffic]:
        """By provider and key: cooldowns of now, and what the provider's last calls looked like."""
        wanted = {provider_id for provider_id, _ in places}
        now = time.monotonic()
        stale = sorted(each for each in wanted if each not in self._seen or self._seen[each][0] <= now)
        keys = {place: _keys(*place) for place in places}
        waits, seen = await self._read(keys, stale)
        for provider_id in stale:
            self._seen[provider_id] = (now + KNOWN_SECONDS, seen.get(provider_id, Traffic()))
        return {place: replace(self._seen[place[0]][1], cooling_seconds=waits.get(place, 0.0)) for place in places}

    async def _read(
        self, keys: Mapping[Place, _Keys], stale: Sequence[str]
    ) -> tuple[dict[Place, float], dict[str, Traffic]]:
        """Cooldowns in seconds by place, and what was seen by provider, in one round trip."""
        asked = cast(Any, self._redis.client.pipeline(transaction=False))
        asked.time()
        for each in keys.values():
            asked.pttl(each.provider_cooling)
            asked.pttl(each.key_cooling)
        for provider_id in stale:
            asked.lrange(_keys(provider_id, None).recent, 0, REMEMBERED - 1)
        names = [name for each in keys.values() for name in each.all]
        said = await self._redis.ask(lambda: reply(asked.execute()), names)
        if said is None:
            return {}, {}
        (seconds, _), rest = said[0], said[1:]
        waits = {place: max(rest[2 * i], rest[2 * i + 1], 0) / 1000 for i, place in enumerate(keys)}
        recent = rest[2 * len(keys) :]
        return waits, {each: _traffic(recent[i], seconds * 1000) for i, each in enumerate(stale)}


def _told_to_wait(limits: RateLimits) -> float:
    """Seconds until the key's account has room again, by the provider's headers; 0: it has."""
    told = (
        (limits.requests_remaining, limits.requests_reset_seconds),
        (limits.tokens_remaining, limits.tokens_reset_seconds),
    )
    return max((bounded_seconds(reset) for left, reset in told if left == 0 and reset is not None), default=0.0)


def _traffic(entries: Sequence[str], now_ms: int) -> Traffic:
    """Latency of the good calls, and how many were good or not; neutral ones are not remembered."""
    read = [found for entry in entries if (found := _ENTRY.fullmatch(entry))]
    recent = [(found["outcome"], float(found["latency"])) for found in read if int(found["at"]) > now_ms - RECENT_MS]
    latencies = sorted(latency for outcome, latency in recent if outcome == Outcome.GOOD)
    return Traffic(
        latency_p50_ms=percentile(latencies, 0.5),
        latency_p95_ms=percentile(latencies, 0.95),
        successes=len(latencies),
        failures=len(recent) - len(latencies),
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)

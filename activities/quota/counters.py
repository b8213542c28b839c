"""Counters in Redis: they say quickly that a quota is used up. They never decide: the ledger does.

What goes wrong with Redis - down, slow, read-only, out of memory, emptied, keys of another type - therefore costs
speed and nothing else. A counter that is too low lets a request through to the ledger, which refuses it; one that is
too high is checked against the ledger before anybody is refused; the next copy of the ledger's numbers rights both.
"""

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Sequence
from enum import StrEnum
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from activities.quota.counter_scripts import COPY, GIVE_BACK, TAKE
from activities.storage.ledger import Standing
from models.quota import PeriodUse, month_of

TIMEOUT_SECONDS = 0.25
PAUSE_SECONDS = 1.0
"""After a failure Redis is not asked for this long: waiting for the time limit each time would slow every call down."""
AT_ONCE = 16
DAY_SECONDS, MONTH_SECONDS = 2 * 86_400, 33 * 86_400
"""How long a counter is kept after its last use: longer than its period, whatever the clocks say."""
PLAIN = re.compile(r"[A-Za-z0-9._@+-]{1,120}\Z")

log = logging.getLogger(__name__)


class Taken(StrEnum):
    """What the counters say to one more call."""

    TAKEN = "taken"
    FULL = "full"
    ABSENT = "absent"
    """Nothing is known: the counters are missing, or Redis cannot be asked."""


def counters_client(redis_url: str) -> Redis:
    """A client that fails fast: one try, a quarter of a second."""
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        redis_url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        max_connections=2 * AT_ONCE,
        decode_responses=True,
    )


def keys_of(user_id: str, day: str) -> list[str]:
    """`quota:{user}:{day}` and `quota:{user}:{month}`.

    A user id with any other character than letters, digits and `._@+-` is replaced by its hash behind a `~`, which no
    plain id has: no id reaches into another one's keys.
    """
    plain = PLAIN.match(user_id)
    name = user_id if plain else "~" + hashlib.sha256(user_id.encode("utf-8", "surrogatepass")).hexdigest()
    return [f"quota:{name}:{day}", f"quota:{name}:{month_of(day)}"]


class RedisCounters:
    """The counters of all users. No method raises for what Redis does."""

    def __init__(self, client: Redis) -> None:
        """Work on a client of `counters_client`."""
        self._client = client
        self._take = client.register_script(TAKE)
        self._give_back = client.register_script(GIVE_BACK)
        self._copy = client.register_script(COPY)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._paused_until = 0.0

    async def take(self, user_id: str, day: str, amount_micro_usd: int) -> Taken:
        """Check both periods and set aside in both, in one step."""
        keys = keys_of(user_id, day)
        arguments = [amount_micro_usd, DAY_SECONDS, MONTH_SECONDS]
        said = await self._asked(lambda: self._take(keys=keys, args=arguments), keys)
        return Taken.ABSENT if said is None else Taken(said)

    async def give_back(self, user_id: str, day: str, amount_micro_usd: int) -> None:
        """Undo a `take` that the ledger did not follow."""
        keys = keys_of(user_id, day)
        await self._asked(lambda: self._give_back(keys=keys, args=[amount_micro_usd]), keys)

    async def copy(self, standing: Standing, *, create: bool) -> int:
        """Replace older numbers by the ledger's.

        Args:
            standing: what the ledger says.
            create: make counters that are missing; false for days that may be over.

        Returns:
            How many of the two counters were wrong; 0 as well when Redis cannot be asked.
        """
        keys = keys_of(standing.state.user_id, standing.state.day.period)
        arguments = ["1" if create else "0", *_fields(standing)]
        said = await self._asked(lambda: self._copy(keys=keys, args=arguments), keys)
        return int(said or 0)

    async def revisions(self, user_id: str, day: str) -> Sequence[int | None]:
        """Which state of the ledger the two counters were copied from; None for one that is missing."""
        keys = keys_of(user_id, day)

        async def read() -> list[int | None]:
            found = [await _reply(self._client.hget(key, "revision")) for key in keys]
            return [int(each) if each is not None else None for each in found]

        return await self._asked(read, keys) or [None, None]

    async def forget(self, user_id: str, day: str) -> None:
        """Drop both counters; the next grant makes them anew."""
        keys = keys_of(user_id, day)
        await self._asked(lambda: _reply(self._client.delete(*keys)), keys)

    async def close(self) -> None:
        await self._client.aclose()

    async def _asked(self, ask: Any, keys: Sequence[str]) -> Any:
        """The answer, or None when there is none."""
        async with self._places:
            if time.monotonic() < self._paused_until:
                return None
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    return await ask()
            except (RedisError, OSError, TimeoutError, ValueError) as error:
                await self._failed(error, keys)
                return None

    async def _failed(self, error: Exception, keys: Sequence[str]) -> None:
        """A counter that is no counter is dropped; anything else is Redis itself, which is left alone for a while."""
        # The plain class is what a script's or a command's own error has; read-only, memory and such have theirs.
        if type(error) is ResponseError or isinstance(error, ValueError):
            log.warning("quota_counters_broken")
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    await _reply(self._client.delete(*keys))
                return
            except (RedisError, OSError, TimeoutError):
                pass
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        log.warning("quota_counters_unavailable")


def _fields(standing: Standing) -> list[int | str]:
    limits, state = standing.state.limits, standing.state
    day = _period(state.day, standing.day_revision, limits.daily_requests, limits.daily_micro_usd)
    month = _period(state.month, standing.month_revision, limits.monthly_requests, limits.monthly_micro_usd)
    return [*day, DAY_SECONDS, *month, MONTH_SECONDS]


def _period(use: PeriodUse, revision: int, calls: int | None, money: int | None) -> list[int | str]:
    shown = ["" if limit is None else limit for limit in (calls, money)]
    return [revision, use.requests, use.spent_micro_usd, use.held_micro_usd, *shown]


def _reply(reply: Any) -> Awaitable[Any]:
    """What the client's methods return: its types name both the blocking and the asynchronous form."""
    return cast(Awaitable[Any], reply)

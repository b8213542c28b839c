"""Counters in Redis: they say quickly that a quota is used up. They never decide: the ledger does.

What goes wrong with Redis - down, slow, read-only, out of memory, emptied, keys of another type - therefore costs
speed and nothing else. A counter that is too low lets a request through to the ledger, which refuses it; one that is
too high is checked against the ledger before anybody is refused; the next copy of the ledger's numbers rights both.
"""

import hashlib
import re
from collections.abc import Sequence
from enum import StrEnum

from activities.quota.best_effort import BestEffortRedis, reply
from activities.quota.counter_scripts import COPY, GIVE_BACK, TAKE
from activities.storage.ledger import Standing
from models.quota import PeriodUse, month_of

DAY_SECONDS, MONTH_SECONDS = 2 * 86_400, 33 * 86_400
"""How long a counter is kept after its last use: longer than its period, whatever the clocks say."""
PLAIN = re.compile(r"[A-Za-z0-9._@+-]{1,120}\Z")


class Taken(StrEnum):
    """What the counters say to one more call."""

    TAKEN = "taken"
    FULL = "full"
    ABSENT = "absent"
    """Nothing is known: the counters are missing, or Redis cannot be asked."""


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

    def __init__(self, redis: BestEffortRedis) -> None:
        self._redis = redis
        self._take = redis.script(TAKE)
        self._give_back = redis.script(GIVE_BACK)
        self._copy = redis.script(COPY)

    async def take(self, user_id: str, day: str, amount_micro_usd: int) -> Taken:
        """Check both periods and set aside in both, in one step."""
        keys = keys_of(user_id, day)
        arguments = [amount_micro_usd, DAY_SECONDS, MONTH_SECONDS]
        said = await self._redis.ask(lambda: self._take(keys=keys, args=arguments), keys)
        return Taken.ABSENT if said is None else Taken(said)

    async def give_back(self, user_id: str, day: str, amount_micro_usd: int) -> None:
        """Undo a `take` that the ledger did not follow."""
        keys = keys_of(user_id, day)
        await self._redis.ask(lambda: self._give_back(keys=keys, args=[amount_micro_usd]), keys)

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
        said = await self._redis.ask(lambda: self._copy(keys=keys, args=arguments), keys)
        return int(said or 0)

    async def revisions(self, user_id: str, day: str) -> Sequence[int | None]:
        """Which state of the ledger the two counters were copied from; None for one that is missing."""
        keys = keys_of(user_id, day)

        async def read() -> list[int | None]:
            found = [await reply(self._redis.client.hget(key, "revision")) for key in keys]
            return [int(each) if each is not None else None for each in found]

        return await self._redis.ask(read, keys) or [None, None]

    async def forget(self, user_id: str, day: str) -> None:
        """Drop both counters; the next grant makes them anew."""
        keys = keys_of(user_id, day)
        await self._redis.ask(lambda: reply(self._redis.client.delete(*keys)), keys)

    async def close(self) -> None:
        """Let the connections go."""
        await self._redis.client.aclose()


def _fields(standing: Standing) -> list[int | str]:
    limits, state = standing.state.limits, standing.state
    day = _period(state.day, standing.day_revision, limits.daily_requests, limits.daily_micro_usd)
    month = _period(state.month, standing.month_revision, limits.monthly_requests, limits.monthly_micro_usd)
    return [*day, DAY_SECONDS, *month, MONTH_SECONDS]


def _period(use: PeriodUse, revision: int, calls: int | None, money: int | None) -> list[int | str]:
    shown = ["" if limit is None else limit for limit in (calls, money)]
    return [revision, use.requests, use.spent_micro_usd, use.held_micro_usd, *shown]

"""How many requests came, in Redis, so that all processes count together.

A limit of requests guards the service against haste, not money: money is guarded by the ledger. So when Redis cannot be
asked, requests go ahead.
"""

import hashlib

from activities.quota.best_effort import BestEffortRedis
from models.rate import Rate, Room

TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = burst * interval
local due = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now), now + full)
local wait = due + interval - full - now
local allowed = wait <= 0
if allowed then
  due = due + interval
  redis.call('SET', KEYS[1], string.format('%.3f', due), 'PX', string.format('%.0f', math.ceil(due - now) + 1))
  wait = 0
end
return {allowed and 1 or 0, math.floor((full - (due - now)) / interval + 0.001), math.ceil(wait), math.ceil(due - now)}
"""
"""KEYS: one counter. ARGV: milliseconds between two requests, burst. The counter is when the bucket will be full again
(the generic cell rate algorithm): one number, and no list of what came. Returns whether the request is allowed, how
many more are, and milliseconds until one is and until all are."""


class RedisRates:
    """The counters of requests. No method raises for what Redis does."""

    def __init__(self, redis: BestEffortRedis) -> None:
        self._redis = redis
        self._take = redis.script(TAKE)

    async def take(self, kind: str, who: str, rate: Rate) -> Room | None:
        """Count a request, if there is room for it.

        Args:
            kind: what is limited, a word of ours.
            who: whose requests; goes into Redis as a hash.
            rate: the limit.

        Returns:
            None when there is no limit, or Redis cannot be asked.
        """
        if rate.per_minute == 0:
            return None
        keys = [f"rate:{kind}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"]
        arguments = [60_000 / rate.per_minute, rate.burst]
        said = await self._redis.ask(lambda: self._take(keys=keys, args=arguments), keys)
        if said is None:
            return None
        allowed, left, wait, full = map(int, said)
        return Room(
            allowed=bool(allowed),
            limit=rate.burst,
            left=left,
            wait_seconds=-(-wait // 1000),
            full_seconds=-(-full // 1000),
        )

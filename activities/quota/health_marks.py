"""Marks of unhealthy providers in Redis, and outages in a row that real calls met."""

from collections.abc import Mapping

from activities.quota.best_effort import BestEffortRedis, reply
from models.health import PASSIVE_WINDOW_SECONDS

COUNT = """
local count = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return count
"""
"""KEYS: counter. ARGV: seconds without an outage after which it begins anew."""


def mark_of(provider_id: str) -> str:
    """The key that exists as long as a provider is unhealthy."""
    return f"provider:{provider_id}:unhealthy"


class RedisHealthMarks:
    """The port `HealthMarks`. A mark that could not be written is written by the next tick of the health schedule."""

    def __init__(self, redis: BestEffortRedis) -> None:
        self._redis = redis
        self._count = redis.script(COUNT)

    async def mark(self, health: Mapping[str, bool]) -> None:
        pipeline = self._redis.client.pipeline(transaction=False)
        for provider_id, healthy in health.items():
            if healthy:
                pipeline.delete(mark_of(provider_id))
            else:
                pipeline.set(mark_of(provider_id), 1)
        await self._redis.ask(lambda: reply(pipeline.execute()), [])

    async def outages(self, provider_id: str, outage: bool) -> int:
        keys = [f"provider:{provider_id}:outages"]
        if not outage:
            await self._redis.ask(lambda: reply(self._redis.client.delete(*keys)), keys)
            return 0
        return int(await self._redis.ask(lambda: self._count(keys=keys, args=[PASSIVE_WINDOW_SECONDS]), keys) or 0)

"""Everything that decides about a caller."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from activities.policy.access import AccessPolicy
from activities.policy.choose import policy_engine
from activities.quota.best_effort import BestEffortRedis, impatient_client
from activities.quota.rates import RedisRates
from activities.storage.access_tokens import PostgresTokens
from activities.storage.database import Database
from models.settings import Settings
from starter.composition import statements_over
from starter.connection import required


@dataclass(frozen=True, slots=True)
class AccessServices:
    """Connected and ready."""

    settings: Settings
    policy: AccessPolicy
    tokens: PostgresTokens
    rates: RedisRates


@asynccontextmanager
async def access_services(settings: Settings, database: Database) -> AsyncGenerator[AccessServices, None]:
    """Put it together; connections are closed at the end.

    Raises:
        SettingMissing: an address is not set.
    """
    redis = impatient_client(required(settings.redis_url, "CONCLAVE_REDIS_URL"))
    try:
        async with statements_over(settings) as statements:
            yield AccessServices(
                settings=settings,
                policy=AccessPolicy(policy_engine(settings)),
                tokens=PostgresTokens(database, statements),
                rates=RedisRates(BestEffortRedis(redis)),
            )
    finally:
        await redis.aclose()

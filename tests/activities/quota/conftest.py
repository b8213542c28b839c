"""A gate over the real database and the real Redis."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from activities.quota.best_effort import BestEffortRedis, impatient_client
from activities.quota.counters import RedisCounters
from activities.quota.gate import QuotaGate
from activities.storage.database import Database
from activities.storage.ledger import PostgresLedger
from activities.storage.quotas import PostgresQuotas
from models.quota import QuotaLimits
from starter.stack.launcher import Stack
from tests.activities.conftest import statements_of

PATIENCE = 20.0
"""A machine may be busy; that Redis is not waited for has tests of its own."""

DEFAULTS = QuotaLimits(daily_requests=1000, monthly_requests=10_000, daily_micro_usd=5_000_000)


@pytest.fixture
def user() -> str:
    return f"user-{uuid.uuid4().hex}"


@pytest.fixture
async def redis(stack: Stack) -> AsyncGenerator[Redis, None]:
    client = impatient_client(stack.environment()["CONCLAVE_REDIS_URL"], PATIENCE)
    yield client
    await client.aclose()


@pytest.fixture
async def counters(redis: Redis) -> RedisCounters:
    return RedisCounters(BestEffortRedis(redis, PATIENCE))


@pytest.fixture
async def ledger(stack: Stack, database: Database) -> AsyncGenerator[PostgresLedger, None]:
    async with ledger_on(stack, database, DEFAULTS) as found:
        yield found


@asynccontextmanager
async def ledger_on(stack: Stack, database: Database, limits: QuotaLimits) -> AsyncGenerator[PostgresLedger, None]:
    """A ledger in the schema of a test's database."""
    async with statements_of(stack, database) as statements:
        yield PostgresLedger(statements, limits)


@pytest.fixture
def quotas(database: Database, ledger: PostgresLedger) -> PostgresQuotas:
    return PostgresQuotas(database, ledger)


@pytest.fixture
def gate(counters: RedisCounters, ledger: PostgresLedger) -> QuotaGate:
    return QuotaGate(counters, ledger)

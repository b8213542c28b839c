"""$5.00, a thousand calls at once from several worker processes: never a cent more, and nobody refused without need."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from activities.quota.best_effort import impatient_client
from activities.storage.database import Database
from activities.storage.ledger import PostgresLedger
from activities.storage.quotas import PostgresQuotas
from models.quota import QuotaLimits
from starter.stack.launcher import Stack

CAP, WORST, CALLS, PROCESSES = 5_000_000, 9_970, 1_000, 3


class Spenders:
    """Worker processes that wait for a task."""

    def __init__(self, stack: Stack) -> None:
        environment = stack.environment()
        self.redis_url = environment["CONCLAVE_REDIS_URL"].removesuffix("/0") + "/9"
        self._database_url = environment["CONCLAVE_DATABASE_URL"]
        argv = [sys.executable, "-m", "tests.activities.quota.spender"]
        self._processes = [
            subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)
        ]
        assert [self._line(process) for process in self._processes] == ["READY\n"] * PROCESSES

    @staticmethod
    def _line(process: subprocess.Popen[str]) -> str:
        assert process.stdout
        return process.stdout.readline()

    def start(self, schema: str, user: str, seed: int) -> None:
        for number, process in enumerate(self._processes):
            task = {
                "database_url": self._database_url,
                "schema": schema,
                "redis_url": self.redis_url,
                "user": user,
                "calls": CALLS // PROCESSES + (number < CALLS % PROCESSES),
                "worst": WORST,
                "seed": seed and seed + number,
            }
            assert process.stdin
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()

    async def ended(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for process in self._processes:
            total.update(json.loads(await asyncio.to_thread(self._line, process)))
        return total

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def spenders(stack: Stack) -> Generator[Spenders, None, None]:
    found = Spenders(stack)
    yield found
    found.close()


async def schema_of(database: Database) -> str:
    async with database.statements() as session:
        return (await session.execute(text("SELECT current_schema()"))).scalar_one()


async def ledger_sums(database: Database, user: str) -> Any:
    query = """SELECT coalesce(sum(cost_micro_usd), 0) AS spent,
                      coalesce(sum(reserved_micro_usd) FILTER (WHERE state IN ('reserved', 'dispatched', 'unknown')), 0)
                      AS held, count(*) AS entries
               FROM ledger WHERE user_id = :user AND state <> 'released'"""
    async with database.statements() as session:
        return (await session.execute(text(query), {"user": user})).one()


async def flush_while_spending(redis: Redis, ledger: PostgresLedger, user: str) -> int:
    """Empty Redis four times while the money goes; returns how much was committed at the last time."""
    committed = 0
    for share in (0.2, 0.4, 0.6, 0.9):
        while committed < share * CAP:
            await asyncio.sleep(0.01)
            committed = (await ledger.standing(user)).state.day.committed_micro_usd
        await redis.flushdb()
    return committed


@pytest.mark.parametrize("flushed", [False, True])
async def test_equal_holds_fill_the_cap_exactly(
    spenders: Spenders, database: Database, quotas: PostgresQuotas, ledger: PostgresLedger, user: str, flushed: bool
) -> None:
    await quotas.set(user, QuotaLimits(daily_micro_usd=CAP, monthly_micro_usd=10 * CAP))
    spenders.start(await schema_of(database), user, seed=0)
    if flushed:
        redis = impatient_client(spenders.redis_url)
        last = await flush_while_spending(redis, ledger, user)
        await redis.aclose()
        assert 0.9 * CAP <= last < CAP, "the last flush came while money was left"
    done = await spenders.ended()
    assert done["granted"] == CAP // WORST and done["refused"] == CALLS - CAP // WORST
    sums = await ledger_sums(database, user)
    assert (sums.held, sums.entries) == (CAP // WORST * WORST, CAP // WORST)


async def test_random_costs_booked_meanwhile_leave_room_that_is_given(
    spenders: Spenders, database: Database, quotas: PostgresQuotas, ledger: PostgresLedger, user: str
) -> None:
    await quotas.set(user, QuotaLimits(daily_micro_usd=CAP // 2))
    spenders.start(await schema_of(database), user, seed=20261126)
    done = await spenders.ended()
    state = (await ledger.standing(user)).state
    sums = await ledger_sums(database, user)
    assert done["false_refusals"] == 0
    assert done["granted"] + done["refused"] == CALLS and done["granted"] == sums.entries == state.day.requests
    assert done["booked"] == sums.spent == state.day.spent_micro_usd <= CAP // 2
    assert state.day.held_micro_usd == sums.held == 0

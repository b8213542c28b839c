"""A worker process that spends as fast as it can: `python -m tests.activities.quota.spender`.

Says READY; then each line of its input is a task in JSON, answered by a line: what it was granted, refused and booked.
"""

import asyncio
import json
import random
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from activities.provider_ports import QuotaExceeded, QuotaUnavailable
from activities.quota.best_effort import BestEffortRedis, impatient_client
from activities.quota.counters import RedisCounters
from activities.quota.gate import QuotaGate
from activities.storage.ledger import PostgresLedger
from activities.storage.statements import Statements
from models.call import TokenUsage
from models.quota import QuotaLimits
from models.reservation import Reservation, Settlement
from tests.activities.quota.holds import hold


@dataclass(frozen=True)
class Task:
    database_url: str
    schema: str
    redis_url: str
    user: str
    calls: int
    worst: int
    seed: int
    """0: nothing is booked, everything stays held."""


@asynccontextmanager
async def gate_of(database_url: str, schema: str, redis_url: str) -> AsyncGenerator[QuotaGate, None]:
    statements = Statements(database_url, search_path=schema)
    counters = RedisCounters(BestEffortRedis(impatient_client(redis_url)))
    yield QuotaGate(counters, PostgresLedger(statements, QuotaLimits()))
    await counters.close()
    await statements.close()


async def spend(task: Task) -> dict[str, int]:
    async with gate_of(task.database_url, task.schema, task.redis_url) as gate:
        return await spent(gate, task)


async def spent(gate: QuotaGate, task: Task) -> dict[str, int]:
    chance = random.Random(task.seed)
    done = {"granted": 0, "refused": 0, "false_refusals": 0, "booked": 0}

    async def reserved() -> Reservation:
        wanted = hold(task.user, task.worst)
        while True:
            try:
                return await gate.reserve(wanted)
            except QuotaUnavailable:  # the pool is small; the same key is never granted twice
                await asyncio.sleep(0.1)

    async def one() -> None:
        try:
            reservation = await reserved()
        except QuotaExceeded as refused:
            done["refused"] += 1
            room = refused.state.headroom_micro_usd
            done["false_refusals"] += room is None or room >= task.worst
            return
        done["granted"] += 1
        if task.seed:
            await gate.dispatch(reservation)
            cost = chance.randint(0, task.worst)
            await gate.settle(reservation, Settlement(usage=TokenUsage(input=1), cost_micro_usd=cost), b"sealed")
            done["booked"] += cost

    await asyncio.gather(*(one() for _ in range(task.calls)))
    return done


def main() -> None:
    print("READY", flush=True)
    for line in sys.stdin:
        print(json.dumps(asyncio.run(spend(Task(**json.loads(line))))), flush=True)


if __name__ == "__main__":
    main()

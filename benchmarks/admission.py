"""What it takes to admit one call to a model: the quota's state, the route, the reservation; at a fixed rate."""

import argparse
import asyncio
import gc
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import quantiles

from sqlalchemy import text

from activities.quota.best_effort import BestEffortRedis, impatient_client
from activities.quota.counters import RedisCounters
from activities.quota.gate import QuotaGate
from activities.storage import schema
from activities.storage.database import Database, engine_for
from activities.storage.ledger import PostgresLedger
from activities.storage.statements import Statements
from benchmarks.rounds import Target, show, verdict
from benchmarks.service import cpu_seconds, running_stack
from models.call import TokenUsage
from models.provider import ModelTier
from models.quota import QuotaLimits
from models.reservation import Hold, Reservation, ReservationKey, Settlement
from models.route import route
from models.routing import Candidate, RoutingInputs, RoutingPolicy
from starter.stack.launcher import Stack

RATE = 200
MOST_MS = 10.0
USERS = 50
LIMITS = QuotaLimits(daily_micro_usd=10**12, monthly_micro_usd=10**13)
CALL_SECONDS = 1.0
"""Between admission and booking, where calls are booked as well."""
TIERS = (ModelTier.CHEAP, ModelTier.BALANCED, ModelTier.POWERFUL)
CANDIDATES = tuple(
    Candidate(
        provider_id=f"{number:032x}",
        provider_name=f"provider-{number}",
        tier=TIERS[number % 3],
        quality=0.4 + number / 10,
        context_tokens=100_000,
        worst_case_micro_usd=20_000 + 1_000 * number,
        expected_micro_usd=5_000,
        latency_p50_ms=900.0 + number,
        latency_p95_ms=2_500.0,
        successes=90 + number,
        failures=number,
    )
    for number in range(6)
)


@dataclass(frozen=True, slots=True)
class Load:
    """One way to load the gate."""

    name: str
    users: int
    booked: bool = False
    """Calls end and are booked while others are admitted."""
    share: float = 1.0
    """Of the rate."""


LOADS = (
    Load("many users", USERS),
    Load("one user", 1),
    # A worker has at most 100 calls under way.
    Load("many users, calls of 1 s are booked", USERS, booked=True, share=0.5),
)


class Admissions:
    """Admits calls and notes how long each took."""

    def __init__(self, gate: QuotaGate, run: str, load: Load) -> None:
        self._gate = gate
        self._run = run
        self._load = load
        self._bookings: list[asyncio.Task[None]] = []
        self.milliseconds: list[float] = []

    async def one(self, number: int, due: float) -> None:
        """Admit one call. Time counts from when it was due: waiting for a busy process is part of it."""
        user = f"{self._run}-{number % self._load.users}"
        state = await self._gate.state(user)
        decision = route(
            RoutingInputs(
                policy=RoutingPolicy(),
                complexity=(number % 10) / 10,
                input_tokens=4_000,
                budget_micro_usd=1_000_000,
                headroom_micro_usd=state.headroom_micro_usd,
                quota_pressure=state.pressure,
                candidates=CANDIDATES,
            )
        )
        first = decision.chain[0]
        key = ReservationKey(workflow_id=f"{self._run}-{number}", step="security", attempt=1, delivery=1)
        reservation = await self._gate.reserve(
            Hold(key=key, user_id=user, provider_id=first.provider_id, amount_micro_usd=first.worst_case_micro_usd)
        )
        self.milliseconds.append(1000 * (time.perf_counter() - due))
        if self._load.booked:
            self._bookings.append(asyncio.create_task(self._book(reservation)))

    async def _book(self, reservation: Reservation) -> None:
        await self._gate.dispatch(reservation)
        await asyncio.sleep(CALL_SECONDS)
        usage = TokenUsage(input=4_000, output=300)
        await self._gate.settle(reservation, Settlement(usage=usage, cost_micro_usd=5_000), b"sealed" * 100)

    async def booked(self) -> None:
        """Wait for what is still under way."""
        await asyncio.gather(*self._bookings)


async def at_rate(rate: float, seconds: float, one: Callable[[int, float], Awaitable[None]]) -> None:
    """Start one every `1 / rate` seconds, whether or not earlier ones have ended."""
    began = time.perf_counter()
    tasks: list[asyncio.Task[None]] = []

    async def started(number: int, due: float) -> None:
        await one(number, due)

    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(started(number, due)))
    await asyncio.gather(*tasks)


async def measure(stack: Stack, rate: float, seconds: float) -> list[Target]:
    """Every load once, after a warm-up."""
    environment = stack.environment()
    engine = engine_for(environment["CONCLAVE_DATABASE_URL"])
    await schema.migrate(environment["CONCLAVE_DATABASE_URL"], environment["CONCLAVE_DATABASE_OWNER_URL"])
    counters = RedisCounters(BestEffortRedis(impatient_client(environment["CONCLAVE_REDIS_URL"])))
    statements = Statements(environment["CONCLAVE_DATABASE_URL"])
    gate = QuotaGate(counters, PostgresLedger(statements, LIMITS))
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    gc.collect()
    gc.freeze()  # as the worker does
    for load in LOADS:
        run = f"bench-{uuid.uuid4().hex}"
        try:
            warming = Admissions(gate, f"{run}-warm", load)
            await at_rate(rate * load.share, 1.0, warming.one)
            await warming.booked()
            admissions = Admissions(gate, run, load)
            cpu = cpu_seconds(os.getpid())
            await at_rate(rate * load.share, seconds, admissions.one)
            await admissions.booked()
            cpu = cpu_seconds(os.getpid()) - cpu
        finally:
            await _clean(Database(engine), run)
        cuts = quantiles(admissions.milliseconds, n=1000)
        shares = [cuts[499], cuts[949], cuts[989], max(admissions.milliseconds)]
        made = len(admissions.milliseconds)
        rows.append(
            (
                load.name,
                f"{rate * load.share:g}",
                str(made),
                *(f"{each:.1f}" for each in shares),
                f"{1000 * cpu / made:.1f}",
            )
        )
        if not load.booked:  # the promise is about admission; the rest shows what booking adds
            targets.append(Target(f"p99, {load.name}", cuts[989], MOST_MS, " ms", digits=1))
    columns = ("load", "a second", "calls", "p50 ms", "p95 ms", "p99 ms", "most ms", "CPU ms a call")
    show(f"State, route over {len(CANDIDATES)} candidates and reservation", columns, rows)
    await counters.close()
    await statements.close()
    await engine.dispose()
    return targets


async def _clean(database: Database, run: str) -> None:
    mine = {"mine": f"{run}%"}
    async with database.transaction() as session:
        await session.execute(
            text("DELETE FROM model_answers WHERE reservation_id IN (SELECT id FROM ledger WHERE user_id LIKE :mine)"),
            mine,
        )
        for table in ("ledger", "quota_counters", "usage_tracking", "cost_alerts"):
            await session.execute(text(f"DELETE FROM {table} WHERE user_id LIKE :mine"), mine)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=RATE, help="calls a second")
    parser.add_argument("--seconds", type=float, default=15.0)
    asked = parser.parse_args()
    verdict(asyncio.run(measure(running_stack(), asked.rate, asked.seconds)))


if __name__ == "__main__":
    main()

"""What dead processes leave is ended when Temporal says that their workflow has ended, and not before."""

import uuid

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from temporalio.client import Client, WorkflowHandle

from activities.provider_ports import ProcessesUnavailable, ReservationClosed
from activities.quota.counters import RedisCounters, keys_of
from activities.quota.gate import QuotaGate
from activities.quota.processes import TemporalProcesses
from activities.quota.sweeper import QuotaSweeper
from activities.storage.database import Database
from activities.storage.ledger import PostgresLedger
from models.call import CallFailure, TokenUsage
from models.reservation import Reservation, Settlement
from starter.stack.launcher import Stack
from tests.activities.quota.holds import hold

Running = WorkflowHandle[object, object]


def beat() -> None:
    pass


@pytest.fixture
async def client(stack: Stack) -> Client:
    return await Client.connect(stack.environment()["TEMPORAL_ADDRESS"])


@pytest.fixture
def sweeper(ledger: PostgresLedger, counters: RedisCounters, client: Client) -> QuotaSweeper:
    return QuotaSweeper(ledger, counters, TemporalProcesses(client))


async def started(client: Client) -> Running:
    """A workflow that nobody works on: it runs until it is told to end."""
    return await client.start_workflow("idle", id=f"review-{uuid.uuid4().hex}", task_queue=f"nobody-{uuid.uuid4().hex}")


async def opened(gate: QuotaGate, user: str, workflow: str, what: str) -> Reservation:
    reservation = await gate.reserve(hold(user, 1000, workflow=workflow))
    if what != "reserved":
        await gate.dispatch(reservation)
    if what == "unknown":
        await gate.leave_unknown(reservation, CallFailure.TIMEOUT)
    return reservation


@pytest.mark.parametrize(
    ("what", "requests", "spent", "failure"),
    [
        ("reserved", 0, 0, "worker_lost"),
        ("dispatched", 1, 1000, "worker_lost"),
        ("unknown", 1, 1000, "provider_timeout"),
    ],
)
async def test_entries_end_with_their_workflow(
    gate: QuotaGate,
    sweeper: QuotaSweeper,
    client: Client,
    database: Database,
    redis: Redis,
    user: str,
    what: str,
    requests: int,
    spent: int,
    failure: str,
) -> None:
    workflow = await started(client)
    reservation = await opened(gate, user, workflow.id, what)
    waits = await sweeper.sweep(0, beat)
    assert (waits.looked_at, waits.left) == (1, 1)
    assert (await gate.state(user)).day.held_micro_usd == 1000
    await workflow.terminate()
    assert (await sweeper.sweep(3600, beat)).looked_at == 0, "younger than the grace"
    report = await sweeper.sweep(0, beat)
    assert (report.released, report.resolved, report.left) == (1 - requests, requests, 0)
    state = await gate.state(user)
    assert (state.day.requests, state.day.spent_micro_usd, state.day.held_micro_usd) == (requests, spent, 0)
    assert await redis.hmget(keys_of(user, state.day.period)[0], ["spent", "held"]) == [str(spent), "0"]
    async with database.statements() as session:
        row = (await session.execute(text("SELECT * FROM ledger WHERE id = :id"), {"id": reservation.id})).one()
    assert (row.failure, row.useful, row.ended_at is not None) == (failure, not requests, True)
    assert (await sweeper.sweep(0, beat)).looked_at == 0
    with pytest.raises(ReservationClosed):  # a process that was only slow
        await gate.dispatch(reservation)


async def test_a_workflow_that_never_was_counts_as_ended_and_a_silent_temporal_as_running(
    gate: QuotaGate, sweeper: QuotaSweeper, ledger: PostgresLedger, counters: RedisCounters, user: str
) -> None:
    class Silent:
        async def is_closed(self, workflow_id: str) -> bool:
            raise ProcessesUnavailable

    await opened(gate, user, f"review-{uuid.uuid4().hex}", "reserved")
    assert (await QuotaSweeper(ledger, counters, Silent()).sweep(0, beat)).left == 1
    assert (await sweeper.sweep(0, beat)).released == 1


async def test_an_unreachable_temporal_is_no_verdict() -> None:
    lazy = await Client.connect("127.0.0.1:1", lazy=True)
    with pytest.raises(ProcessesUnavailable):
        await TemporalProcesses(lazy).is_closed("review-1")


async def test_running_entries_hide_no_ended_ones(
    gate: QuotaGate, sweeper: QuotaSweeper, client: Client, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.quota.sweeper.PAGE", 2)
    running, ended = await started(client), f"review-{uuid.uuid4().hex}"
    for number in range(1, 6):
        await gate.reserve(hold(user, 1, workflow=running.id, attempt=number))
    for number in range(1, 4):
        await gate.reserve(hold(user, 1, workflow=ended, attempt=number))
    report = await sweeper.sweep(0, beat)
    assert (report.looked_at, report.left, report.released) == (8, 5, 3)
    await running.terminate()


async def test_counters_that_drifted_are_put_right(
    gate: QuotaGate, sweeper: QuotaSweeper, database: Database, redis: Redis, user: str
) -> None:
    reservation = await gate.reserve(hold(user, 1000))
    await gate.settle(reservation, Settlement(usage=TokenUsage(input=1), cost_micro_usd=300), None)
    day, month = keys_of(user, reservation.day)
    report = await sweeper.sweep(0, beat)
    assert (report.counters_compared, report.counters_corrected) == (2, 0)
    await redis.hset(day, "spent", "7")
    await redis.hset(month, "revision", "1")
    report = await sweeper.sweep(0, beat)
    assert (report.counters_compared, report.counters_corrected) == (2, 2)
    assert await redis.hget(day, "spent") == "300"
    await redis.hset(day, "revision", "999")  # as after the ledger was restored from a backup
    assert (await sweeper.sweep(0, beat)).counters_corrected == 2
    assert await redis.exists(day) == 0

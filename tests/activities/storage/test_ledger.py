"""Limits, reports, alerts, and a ledger that answers late, twice or not at all."""

import asyncio
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from activities.ports import StoreUnavailable
from activities.provider_ports import AlertUnknown, QuotaUnavailable
from activities.quota.counters import RedisCounters, keys_of
from activities.quota.gate import QuotaGate
from activities.storage.alerts import PostgresAlerts, raise_alert
from activities.storage.database import Database
from activities.storage.ledger import PostgresLedger, Standing
from activities.storage.quotas import PostgresQuotas
from activities.storage.statements import Statement, StatementFailed, Statements
from activities.storage.usage import PostgresUsage
from models.alert import AlertType
from models.call import CallFailure, TokenUsage
from models.quota import QuotaLimits, UsageBy, UsageRow
from models.reservation import Settlement
from starter.stack.launcher import Stack
from tests.activities.quota.conftest import DEFAULTS, counters, gate, ledger, quotas, redis, user
from tests.activities.quota.holds import hold

__all__ = ["counters", "gate", "ledger", "quotas", "redis", "user"]


def cost(amount: int, useful: bool = True) -> Settlement:
    return Settlement(usage=TokenUsage(input=10, output=5), cost_micro_usd=amount, useful=useful)


class Unreliable:
    """Runs statements, and loses the first acknowledgements, or the statements themselves."""

    def __init__(self, inner: Statements, lost_after: int = 0, lost_before: int = 0) -> None:
        self._inner, self._after, self._before = inner, lost_after, lost_before

    async def rows(self, statement: Statement, values: dict[str, Any]) -> list[Any]:
        if self._before:
            self._before -= 1
            raise StoreUnavailable
        rows = await self._inner.rows(statement, values)
        if self._after:
            self._after -= 1
            raise StoreUnavailable
        return rows

    async def row(self, statement: Statement, values: dict[str, Any]) -> Any:
        rows = await self.rows(statement, values)
        return rows[0] if rows else None


def behind(unreliable: Unreliable, counters: RedisCounters) -> QuotaGate:
    return QuotaGate(counters, PostgresLedger(unreliable, DEFAULTS))  # pyright: ignore[reportArgumentType]


async def test_a_lost_acknowledgement_neither_grants_nor_books_twice(
    gate: QuotaGate, ledger: PostgresLedger, counters: RedisCounters, user: str
) -> None:
    await gate.reserve(hold(user, 1))
    reservation = await behind(Unreliable(ledger._statements, lost_after=1), counters).reserve(hold(user, 1000))
    await behind(Unreliable(ledger._statements, lost_after=1), counters).dispatch(reservation)
    await behind(Unreliable(ledger._statements, lost_after=1), counters).settle(reservation, cost(300), b"sealed")
    state = await gate.state(user)
    assert (state.day.requests, state.day.spent_micro_usd, state.day.held_micro_usd) == (2, 300, 1)


async def test_without_the_ledger_nothing_is_spent_and_the_counters_get_it_back(
    gate: QuotaGate, ledger: PostgresLedger, counters: RedisCounters, user: str, redis: Redis
) -> None:
    reservation = await gate.reserve(hold(user, 1))
    broken = behind(Unreliable(ledger._statements, lost_before=99), counters)
    broken._clock.heard((await ledger.standing(user)).at)
    with pytest.raises(QuotaUnavailable):
        await broken.reserve(hold(user, 1000))
    assert await redis.hmget(keys_of(user, reservation.day)[0], ["requests", "held"]) == ["1", "1"]
    with pytest.raises(QuotaUnavailable):
        await broken.state(user)


async def test_an_answer_that_was_paid_for_waits_for_a_database_that_restarts(
    gate: QuotaGate, ledger: PostgresLedger, counters: RedisCounters, user: str
) -> None:
    reservation = await gate.reserve(hold(user, 1000))
    await behind(Unreliable(ledger._statements, lost_before=3), counters).settle(reservation, cost(300), b"sealed")
    assert (await gate.state(user)).day.spent_micro_usd == 300


async def test_an_unreachable_database_is_unavailable_and_a_refused_statement_tells_no_values(
    stack: Stack, user: str
) -> None:
    away = PostgresLedger(Statements("postgresql://conclave@127.0.0.1:1/conclave"), DEFAULTS)
    with pytest.raises(StoreUnavailable):
        await away.standing(user)
    statements = Statements(stack.environment()["CONCLAVE_DATABASE_URL"])
    with pytest.raises(StatementFailed) as failed:
        await statements.rows(Statement("SELECT CAST(:value AS INTEGER)", {}), {"value": "sk-secret"})
    assert str(failed.value) == "22P02" and failed.value.__cause__ is None
    await statements.close()


async def test_a_worker_whose_clock_is_a_day_behind_books_to_the_databases_day(
    gate: QuotaGate, ledger: PostgresLedger, counters: RedisCounters, user: str, redis: Redis
) -> None:
    now = await ledger.standing(user)
    yesterday = (now.at - timedelta(days=1)).date().isoformat()
    day = now.state.day.model_copy(update={"period": yesterday})
    await counters.copy(Standing(now.state.model_copy(update={"day": day}), now.at, 0, 0), create=True)
    gate._clock.heard(now.at - timedelta(days=1))
    reservation = await gate.reserve(hold(user, 1000))
    assert reservation.day == now.state.day.period
    assert await redis.hget(keys_of(user, yesterday)[0], "held") == "0"
    assert await redis.hget(keys_of(user, reservation.day)[0], "held") == "1000"


async def test_each_reached_share_alerts_once_however_many_settle_at_once(
    gate: QuotaGate, quotas: PostgresQuotas, database: Database, user: str
) -> None:
    await quotas.set(user, QuotaLimits(daily_micro_usd=1000, monthly_requests=20))
    held = [await gate.reserve(hold(user, 50)) for _ in range(20)]
    await asyncio.gather(*(gate.settle(each, cost(50), None) for each in held[:15]))
    alerts = PostgresAlerts(database)
    assert {(each.alert_type, each.threshold_percentage) for each in await alerts.page(None, 50)} == {
        (AlertType.MONTHLY_REQUESTS, share) for share in (80, 90, 100)
    }
    await asyncio.gather(*(gate.settle(each, cost(50), None) for each in held[15:] for _ in range(2)))
    found = Counter((each.alert_type, each.threshold_percentage) for each in await alerts.page(None, 50))
    kinds = (AlertType.DAILY_COST, AlertType.MONTHLY_REQUESTS)
    assert found == Counter((kind, share) for kind in kinds for share in (80, 90, 100))


async def test_an_alert_is_delivered_by_one_worker_and_seen_by_the_first_who_says_so(
    database: Database, user: str
) -> None:
    alerts = PostgresAlerts(database)
    for moment in ("1", "2", "3"):
        async with database.transaction() as session:
            assert await raise_alert(session, AlertType.PROVIDER_UNHEALTHY, user, moment)
        async with database.transaction() as session:
            assert not await raise_alert(session, AlertType.PROVIDER_UNHEALTHY, user, moment)
    claimed = [each for some in await asyncio.gather(*(alerts.claim(2, 60) for _ in range(5))) for each in some]
    assert sorted(each.period for each in claimed) == ["1", "2", "3"]
    assert await alerts.claim(5, 60) == []
    await alerts.mark_delivered(claimed[0].id)
    await alerts.postpone(claimed[1].id, 0)
    assert [each.id for each in await alerts.claim(5, 60)] == [claimed[1].id]
    assert (await alerts.acknowledge(claimed[2].id, "ann")).acknowledged_by == "ann"
    assert (await alerts.acknowledge(claimed[2].id, "bob")).acknowledged_by == "ann"
    with pytest.raises(AlertUnknown):
        await alerts.acknowledge(uuid.uuid4().hex, "ann")
    newest, *older = await alerts.page(None, 10)
    assert newest.period == "3" and [each.period for each in older] == ["2", "1"]
    assert len(await alerts.page(None, 10, acknowledged=True)) == 1


async def test_usage_tells_what_was_spent_held_and_wasted(gate: QuotaGate, database: Database, user: str) -> None:
    good, bad, lost, none = [await gate.reserve(hold(user, 1000)) for _ in range(4)]
    await gate.settle(good, cost(300), None)
    await gate.settle(bad, cost(200, useful=False), None)
    await gate.leave_unknown(lost, CallFailure.TIMEOUT)
    await gate.release(none, CallFailure.RATE_LIMITED)
    usage = PostgresUsage(database)
    row = UsageRow(
        heading="security", requests=3, tokens=30, spent_micro_usd=500, unusable_micro_usd=200, held_micro_usd=1000
    )
    assert await usage.usage(user, good.day, good.day, UsageBy.EXPERT) == [row]
    assert await usage.usage(user, good.day, good.day, UsageBy.DAY) == [row.model_copy(update={"heading": good.day})]
    assert await usage.usage(None, good.day, good.day, UsageBy.PROVIDER) == [
        row.model_copy(update={"heading": "p" * 32})
    ]
    assert await usage.usage(user, "2000-01-01", "2000-01-31", UsageBy.DAY) == []


async def test_limits_are_kept_exactly_and_users_are_listed_page_by_page(
    gate: QuotaGate, quotas: PostgresQuotas, user: str
) -> None:
    assert (await quotas.get(user)).limits == DEFAULTS
    wanted = QuotaLimits(daily_requests=10**10, daily_micro_usd=123_456_789_012_345, monthly_micro_usd=1)
    assert (await quotas.set(user, wanted)).limits == wanted
    assert (await quotas.set(user, QuotaLimits())).limits == QuotaLimits()
    await gate.reserve(hold("another", 7))
    await quotas.set("a-third", wanted)
    first = await quotas.page("", 2)
    assert [each.user_id for each in first] == ["a-third", "another"] and first[1].day.held_micro_usd == 7
    assert [each.user_id for each in await quotas.page("another", 2)] == [user]


async def test_an_amount_beyond_32_bits_is_counted_whole(gate: QuotaGate, quotas: PostgresQuotas, user: str) -> None:
    await quotas.set(user, QuotaLimits())
    reservation = await gate.reserve(hold(user, 3_000_000_000))
    await gate.settle(reservation, cost(2_999_999_999), None)
    assert (await gate.state(user)).month.spent_micro_usd == 2_999_999_999


async def test_the_price_of_a_hold_comes_back_as_it_was(gate: QuotaGate, database: Database, user: str) -> None:
    wanted = hold(user, 5).model_copy(update={"price": {"source": "override", "steps": {"standard": ["0.000001"]}}})
    await gate.reserve(wanted)
    assert (await gate.reserve(wanted)).hold == wanted
    async with database.statements() as session:
        stored = (await session.execute(text("SELECT price FROM ledger"))).scalar_one()
    assert stored == wanted.price

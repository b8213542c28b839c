"""Money is set aside before, booked after, and never twice."""

import asyncio
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from activities.provider_ports import QuotaExceeded, ReservationClosed
from activities.quota.counters import keys_of
from activities.quota.gate import QuotaGate
from activities.storage.quotas import PostgresQuotas
from models.call import CallFailure, TokenUsage
from models.quota import QuotaLimits
from models.reservation import ReservationState, Settlement
from tests.activities.quota.holds import hold

COST = Settlement(usage=TokenUsage(input=100, output=20), cost_micro_usd=300)


async def numbers(redis: Redis, user: str) -> list[tuple[int, int, int]]:
    """requests, spent, held of day and month, as Redis has them."""
    found: list[tuple[int, int, int]] = []
    for key in keys_of(user, datetime.now(UTC).date().isoformat()):
        fields = await redis.hmget(key, ["requests", "spent", "held"])
        found.append(tuple(int(each) for each in fields))
    return found


async def test_a_call_holds_its_worst_case_and_is_booked_at_its_cost(gate: QuotaGate, user: str, redis: Redis) -> None:
    reservation = await gate.reserve(hold(user, 1000))
    assert await numbers(redis, user) == [(1, 0, 1000)] * 2
    await gate.dispatch(reservation)
    await gate.settle(reservation, COST, b"sealed")
    state = await gate.state(user)
    assert (state.day.requests, state.day.spent_micro_usd, state.day.held_micro_usd) == (1, 300, 0)
    assert state.month.spent_micro_usd == 300
    assert await numbers(redis, user) == [(1, 300, 0)] * 2
    kept = await gate.answer(reservation.hold.key.workflow_id, "security", 1)
    assert kept is not None and kept.sealed == b"sealed" and kept.reservation_id == reservation.id


async def test_booking_twice_books_once(gate: QuotaGate, user: str) -> None:
    reservation = await gate.reserve(hold(user, 1000))
    await asyncio.gather(*(gate.settle(reservation, COST, b"sealed") for _ in range(8)))
    await gate.release(reservation, CallFailure.TIMEOUT)
    await gate.leave_unknown(reservation, CallFailure.TIMEOUT)
    state = await gate.state(user)
    assert (state.day.requests, state.day.spent_micro_usd, state.day.held_micro_usd) == (1, 300, 0)


async def test_a_released_call_costs_nothing_and_is_not_counted(gate: QuotaGate, user: str, redis: Redis) -> None:
    reservation = await gate.reserve(hold(user, 1000))
    await asyncio.gather(*(gate.release(reservation, CallFailure.RATE_LIMITED) for _ in range(4)))
    state = await gate.state(user)
    assert (state.day.requests, state.day.committed_micro_usd) == (0, 0)
    assert await numbers(redis, user) == [(0, 0, 0)] * 2


async def test_the_same_key_is_the_same_reservation_at_once_and_later(gate: QuotaGate, user: str) -> None:
    wanted = hold(user, 1000)
    several = await asyncio.gather(*(gate.reserve(wanted) for _ in range(10)))
    assert len({each.id for each in several}) == 1
    assert (await gate.state(user)).day.held_micro_usd == 1000
    await gate.settle(several[0], COST, None)
    again = await gate.reserve(wanted)
    assert (again.id, again.state, again.hold) == (several[0].id, ReservationState.SETTLED, wanted)


async def test_the_same_key_is_given_even_when_nothing_is_left(
    gate: QuotaGate, quotas: PostgresQuotas, user: str
) -> None:
    await quotas.set(user, QuotaLimits(daily_micro_usd=1000))
    wanted = hold(user, 1000)
    first = await gate.reserve(wanted)
    with pytest.raises(QuotaExceeded):
        await gate.reserve(hold(user, 1))
    assert (await gate.reserve(wanted)).id == first.id


async def test_what_does_not_fit_is_refused_whole(gate: QuotaGate, quotas: PostgresQuotas, user: str) -> None:
    await quotas.set(user, QuotaLimits(daily_micro_usd=1000, monthly_micro_usd=5000))
    await gate.reserve(hold(user, 400))
    for _ in range(2):  # without, and with counters in Redis
        with pytest.raises(QuotaExceeded) as refused:
            await gate.reserve(hold(user, 601))
        assert refused.value.state.headroom_micro_usd == 600
        assert 0 < (refused.value.retry_after_seconds or 0) <= 86_400
    with pytest.raises(QuotaExceeded) as never:
        await gate.reserve(hold(user, 1001))
    assert never.value.retry_after_seconds is None
    await gate.reserve(hold(user, 600))
    assert (await gate.state(user)).day.held_micro_usd == 1000


async def test_the_month_bounds_as_the_day_does_and_neither_moves_alone(
    gate: QuotaGate, quotas: PostgresQuotas, user: str, redis: Redis
) -> None:
    await quotas.set(user, QuotaLimits(daily_micro_usd=10_000, monthly_micro_usd=1000, monthly_requests=2))
    await gate.reserve(hold(user, 500))
    with pytest.raises(QuotaExceeded):
        await gate.reserve(hold(user, 501))
    await gate.reserve(hold(user, 0))
    with pytest.raises(QuotaExceeded):
        await gate.reserve(hold(user, 0))
    assert await numbers(redis, user) == [(2, 0, 500)] * 2
    assert (await gate.state(user)).day.requests == 2


async def test_a_free_call_needs_no_money_left(gate: QuotaGate, quotas: PostgresQuotas, user: str) -> None:
    await quotas.set(user, QuotaLimits(daily_micro_usd=0))
    await gate.reserve(hold(user, 0))
    with pytest.raises(QuotaExceeded):
        await gate.reserve(hold(user, 1))


async def test_new_limits_hold_at_once_in_both_directions(gate: QuotaGate, quotas: PostgresQuotas, user: str) -> None:
    await quotas.set(user, QuotaLimits(daily_micro_usd=1000))
    await gate.reserve(hold(user, 1000))
    with pytest.raises(QuotaExceeded):
        await gate.reserve(hold(user, 1000))
    await quotas.set(user, QuotaLimits(daily_micro_usd=2000))
    await gate.reserve(hold(user, 1000))
    await quotas.set(user, QuotaLimits(daily_micro_usd=100))
    with pytest.raises(QuotaExceeded):
        await gate.reserve(hold(user, 1))


async def test_of_many_at_the_limit_one_gets_through(gate: QuotaGate, quotas: PostgresQuotas, user: str) -> None:
    await quotas.set(user, QuotaLimits(daily_requests=5))
    for _ in range(4):
        await gate.reserve(hold(user, 1))

    async def one() -> bool:
        try:
            await gate.reserve(hold(user, 1))
        except QuotaExceeded:
            return False
        return True

    assert sum(await asyncio.gather(*(one() for _ in range(300)))) == 1


async def test_an_unknown_outcome_keeps_its_hold_until_it_is_resolved(gate: QuotaGate, user: str) -> None:
    reservation = await gate.reserve(hold(user, 1000))
    await gate.dispatch(reservation)
    await gate.leave_unknown(reservation, CallFailure.TIMEOUT)
    state = await gate.state(user)
    assert (state.day.requests, state.day.held_micro_usd, state.day.spent_micro_usd) == (1, 1000, 0)
    with pytest.raises(ReservationClosed):
        await gate.dispatch(reservation)
    await gate.settle(reservation, COST, b"late")  # the answer came after all
    assert (await gate.state(user)).day.spent_micro_usd == 300


async def test_a_later_delivery_closes_what_the_dead_one_left(gate: QuotaGate, user: str) -> None:
    sent, unsent = hold(user, 1000), hold(user, 500)
    dead = await gate.reserve(sent)
    await gate.dispatch(dead)
    never = await gate.reserve(unsent)
    for wanted in (sent, unsent):
        await gate.abandon_earlier(wanted.key.model_copy(update={"delivery": 2}))
    state = await gate.state(user)
    assert (state.day.requests, state.day.held_micro_usd) == (1, 1000)
    with pytest.raises(ReservationClosed):  # the dead one was only slow: it must not send now
        await gate.dispatch(never)


async def test_a_cost_above_the_hold_is_booked_as_it_is_and_told(
    gate: QuotaGate, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    reservation = await gate.reserve(hold(user, 100))
    await gate.settle(reservation, COST, None)
    assert (await gate.state(user)).day.spent_micro_usd == 300
    assert "cost_above_reservation" in caplog.text

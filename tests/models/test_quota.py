"""Limits, what is left of them, and when they begin anew."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.quota import PeriodUse, QuotaLimits, QuotaState, day_of, fits, month_of, seconds_until_reset

amounts = st.integers(0, 10**13)
limits = st.builds(
    QuotaLimits,
    daily_requests=st.none() | st.integers(0, 5),
    monthly_requests=st.none() | st.integers(0, 5),
    daily_micro_usd=st.none() | amounts,
    monthly_micro_usd=st.none() | amounts,
)
uses = st.builds(
    PeriodUse, period=st.just("2026-11-26"), requests=st.integers(0, 6), spent_micro_usd=amounts, held_micro_usd=amounts
)
states = st.builds(QuotaState, user_id=st.just("ann"), limits=limits, day=uses, month=uses)


def state(limit: QuotaLimits, day: int = 0, month: int = 0, requests: int = 0) -> QuotaState:
    return QuotaState(
        user_id="ann",
        limits=limit,
        day=PeriodUse(period="2026-11-26", spent_micro_usd=day, requests=requests),
        month=PeriodUse(period="2026-11", spent_micro_usd=month, requests=requests),
    )


@given(states, amounts)
def test_what_fits_breaks_no_limit_and_what_does_not_breaks_one(where: QuotaState, amount: int) -> None:
    limit = where.limits
    broken = [
        most is not None and used + amount > most
        for most, used in (
            (limit.daily_micro_usd, where.day.committed_micro_usd),
            (limit.monthly_micro_usd, where.month.committed_micro_usd),
        )
        if amount > 0
    ] + [
        most is not None and used + 1 > most
        for most, used in ((limit.daily_requests, where.day.requests), (limit.monthly_requests, where.month.requests))
    ]
    assert fits(where, amount) != any(broken)


@given(states)
def test_pressure_is_whole_exactly_when_a_limit_is_reached(where: QuotaState) -> None:
    assert 0 <= where.pressure <= 1
    nothing_left = where.headroom_micro_usd == 0 or where.requests_left == 0
    assert nothing_left == (where.pressure == 1) or where.pressure > 1 - 1e-9


@pytest.mark.parametrize(
    ("where", "amount", "seconds"),
    [
        (state(QuotaLimits(daily_micro_usd=10), day=8), 5, 3600),
        (state(QuotaLimits(daily_micro_usd=10), day=8), 11, None),
        (state(QuotaLimits(monthly_micro_usd=10), month=8), 5, 3600 + 4 * 86_400),
        (state(QuotaLimits(daily_micro_usd=10, monthly_micro_usd=20), day=8, month=19), 5, 3600 + 4 * 86_400),
        (state(QuotaLimits(daily_requests=3), requests=3), 5, 3600),
        (state(QuotaLimits(monthly_requests=3), requests=3), 0, 3600 + 4 * 86_400),
        (state(QuotaLimits(daily_requests=0)), 0, None),
        (state(QuotaLimits(daily_requests=1, monthly_micro_usd=10), month=12, requests=1), 0, 3600),
    ],
)
def test_waiting_ends_with_the_period_that_is_in_the_way(where: QuotaState, amount: int, seconds: float | None) -> None:
    assert seconds_until_reset(where, datetime(2026, 11, 26, 23, tzinfo=UTC), amount) == seconds


def test_december_ends_in_the_next_year() -> None:
    where = state(QuotaLimits(monthly_micro_usd=10), month=10)
    assert seconds_until_reset(where, datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), 1) == 1


@given(st.integers(10**9, 4 * 10**9), st.integers(-14 * 60, 14 * 60))
def test_days_are_those_of_utc_wherever_the_clock_stands(second: int, minutes: int) -> None:
    utc = datetime.fromtimestamp(second, UTC)
    assert day_of(utc.astimezone(timezone(timedelta(minutes=minutes)))) == utc.date().isoformat()
    assert day_of(utc).startswith(month_of(day_of(utc)))

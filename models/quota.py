"""How much a user may spend, and how much of it is gone."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from pydantic import Field

from models.wire import Wire

ALERT_PERCENTAGES = (80, 90, 100)
"""Shares of a limit at which the administrators are told, once each per period."""

NEAR_LIMIT = 0.8
"""Share of a limit from which routing prefers cheaper models."""


class QuotaLimits(Wire):
    """Limits of one user; None means no limit."""

    daily_requests: int | None = Field(default=None, ge=0)
    monthly_requests: int | None = Field(default=None, ge=0)
    daily_micro_usd: int | None = Field(default=None, ge=0)
    monthly_micro_usd: int | None = Field(default=None, ge=0)


class PeriodUse(Wire):
    """What was used in one period: a UTC day (`2026-11-26`) or month (`2026-11`)."""

    period: str
    requests: int = Field(default=0, ge=0)
    """Calls granted and not released."""
    spent_micro_usd: int = Field(default=0, ge=0)
    held_micro_usd: int = Field(default=0, ge=0)
    """Set aside for calls under way, or for calls whose outcome is unknown."""

    @property
    def committed_micro_usd(self) -> int:
        return self.spent_micro_usd + self.held_micro_usd


class QuotaState(Wire):
    """A user's limits and use, at one moment."""

    user_id: str
    limits: QuotaLimits
    day: PeriodUse
    month: PeriodUse

    @property
    def headroom_micro_usd(self) -> int | None:
        """What may still be set aside; None: no limit."""
        rooms = [
            limit - use.committed_micro_usd
            for limit, use in (
                (self.limits.daily_micro_usd, self.day),
                (self.limits.monthly_micro_usd, self.month),
            )
            if limit is not None
        ]
        return max(min(rooms), 0) if rooms else None

    @property
    def requests_left(self) -> int | None:
        """Calls that may still be made; None: no limit."""
        rooms = [
            limit - use.requests
            for limit, use in ((self.limits.daily_requests, self.day), (self.limits.monthly_requests, self.month))
            if limit is not None
        ]
        return max(min(rooms), 0) if rooms else None

    @property
    def pressure(self) -> float:
        """Largest used share of any limit, 0 to 1 (1: nothing is left)."""
        shares = [0.0]
        pairs = (
            (self.limits.daily_micro_usd, self.day.committed_micro_usd),
            (self.limits.monthly_micro_usd, self.month.committed_micro_usd),
            (self.limits.daily_requests, self.day.requests),
            (self.limits.monthly_requests, self.month.requests),
        )
        for limit, used in pairs:
            if limit is not None:
                shares.append(min(used / limit, 1.0) if limit else 1.0)
        return max(shares)


def day_of(moment: datetime) -> str:
    """The UTC day of a moment, `2026-11-26`."""
    return moment.astimezone(UTC).date().isoformat()


def month_of(day: str) -> str:
    """The month of a day, `2026-11`."""
    return day[:7]


def seconds_until_reset(state: QuotaState, moment: datetime, amount_micro_usd: int) -> float | None:
    """Seconds until a refused amount may fit again: the next UTC day, or the first of the next month.

    None when it never fits: a limit is below the amount itself.
    """
    limits = state.limits
    for limit in (limits.daily_micro_usd, limits.monthly_micro_usd):
        if limit is not None and amount_micro_usd > limit:
            return None
    if 0 in (limits.daily_requests, limits.monthly_requests):
        return None
    now = moment.astimezone(UTC)
    monthly = (
        amount_micro_usd > 0
        and limits.monthly_micro_usd is not None
        and state.month.committed_micro_usd + amount_micro_usd > limits.monthly_micro_usd
    ) or (limits.monthly_requests is not None and state.month.requests + 1 > limits.monthly_requests)
    first_of_next = date(now.year + now.month // 12, now.month % 12 + 1, 1)
    following = first_of_next if monthly else now.date() + timedelta(days=1)
    return (datetime(following.year, following.month, following.day, tzinfo=UTC) - now).total_seconds()


def fits(state: QuotaState, amount_micro_usd: int) -> bool:
    """Whether one more call of at most this amount stays within every limit. A call that costs nothing needs no money.

    The ledger's statement `GRANT` applies the same rule under its locks; this one judges what was merely read.
    """
    money = state.headroom_micro_usd
    calls = state.requests_left
    return (amount_micro_usd == 0 or money is None or amount_micro_usd <= money) and (calls is None or calls >= 1)


class UsageBy(StrEnum):
    """What a usage report is broken down by."""

    DAY = "day"
    PROVIDER = "provider"
    EXPERT = "expert"


class UsageRow(Wire):
    """What was used under one heading."""

    heading: str
    """A UTC day, the id of a provider, or the name of an expert (empty: none)."""
    requests: int = Field(default=0, ge=0)
    """Calls granted and not released."""
    tokens: int = Field(default=0, ge=0)
    spent_micro_usd: int = Field(default=0, ge=0)
    unusable_micro_usd: int = Field(default=0, ge=0)
    """Part of `spent_micro_usd` that bought no usable answer."""
    held_micro_usd: int = Field(default=0, ge=0)
    """Set aside for calls under way, or for calls whose outcome is unknown."""

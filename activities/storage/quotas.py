"""Limits of users in Postgres."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Numeric, String, bindparam, text

from activities.storage.database import Database
from activities.storage.ledger import PostgresLedger
from models.quota import QuotaLimits, QuotaState
from models.reservation import MICRO

_COUNT, _MONEY = BigInteger(), Numeric(18, 6)

SET = text(
    """
    INSERT INTO user_quotas (user_id, daily_limit, monthly_limit, daily_cost_limit, monthly_cost_limit, updated_at)
    VALUES (:user, :daily, :monthly, :daily_cost, :monthly_cost, now())
    ON CONFLICT (user_id) DO UPDATE
    SET daily_limit = excluded.daily_limit, monthly_limit = excluded.monthly_limit,
        daily_cost_limit = excluded.daily_cost_limit, monthly_cost_limit = excluded.monthly_cost_limit,
        updated_at = excluded.updated_at
    """
).bindparams(
    bindparam("user", type_=String()),
    bindparam("daily", type_=_COUNT),
    bindparam("monthly", type_=_COUNT),
    bindparam("daily_cost", type_=_MONEY),
    bindparam("monthly_cost", type_=_MONEY),
)

KNOWN_USERS = text(
    """
    SELECT user_id FROM (
        SELECT user_id FROM user_quotas
        UNION
        SELECT user_id FROM quota_counters WHERE period = to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')
    ) known
    WHERE user_id > :after ORDER BY user_id LIMIT :size
    """
)


class PostgresQuotas:
    """Sets limits and shows them with their use. New limits hold from the next grant on; what is spent stays spent."""

    def __init__(self, database: Database, ledger: PostgresLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def get(self, user_id: str) -> QuotaState:
        """A user's limits and use; the default limits where there are none of their own."""
        return (await self._ledger.standing(user_id)).state

    async def set(self, user_id: str, limits: QuotaLimits) -> QuotaState:
        """Replace all four limits of a user; None is no limit."""
        values = {
            "user": user_id,
            "daily": limits.daily_requests,
            "monthly": limits.monthly_requests,
            "daily_cost": _usd(limits.daily_micro_usd),
            "monthly_cost": _usd(limits.monthly_micro_usd),
        }
        async with self._database.statements() as session:
            await session.execute(SET, values)
        return await self.get(user_id)

    async def page(self, after: str, size: int) -> list[QuotaState]:
        """Users with limits of their own or calls in this month, by id, after one (empty: from the first)."""
        async with self._database.statements() as session:
            users: list[Any] = list((await session.execute(KNOWN_USERS, {"after": after, "size": size})).scalars())
        if not users:
            return []
        return sorted((each.state for each in await self._ledger.standings(users)), key=lambda state: state.user_id)


def _usd(micro: int | None) -> Decimal | None:
    return None if micro is None else Decimal(micro) / MICRO

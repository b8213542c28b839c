"""Usage reports, from the ledger."""

from typing import cast

from sqlalchemy import BigInteger, Table, func, select
from sqlalchemy import cast as sql_cast

from activities.storage.database import Database
from models.quota import UsageBy, UsageRow
from models.reservation import OPEN_STATES, ReservationState
from models.tables import LedgerEntry

LEDGER = cast(Table, LedgerEntry.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

HEADINGS = {
    UsageBy.DAY: LEDGER.c.day,
    UsageBy.PROVIDER: LEDGER.c.provider_id,
    UsageBy.EXPERT: func.coalesce(LEDGER.c.expert, ""),
}
TOKENS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
"""Parts of `TokenUsage` that `TokenUsage.total` sums."""


class PostgresUsage:
    """Sums over the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def usage(self, user_id: str | None, since: str, until: str, by: UsageBy) -> list[UsageRow]:
        """What was used from one UTC day to another, both included (`2026-11-26`).

        Args:
            user_id: None: everybody.
            since: first day.
            until: last day.
            by: what each row is about; rows come in the order of their headings.
        """
        heading = HEADINGS[by].label("heading")
        tokens = sum(
            (sql_cast(LEDGER.c.usage[kind].astext, BigInteger) for kind in TOKENS[1:]),
            start=sql_cast(LEDGER.c.usage[TOKENS[0]].astext, BigInteger),
        )
        cost, held = LEDGER.c.cost_micro_usd, LEDGER.c.reserved_micro_usd
        opened = LEDGER.c.state.in_([state.value for state in OPEN_STATES])
        query = (
            select(
                heading,
                func.count().label("requests"),
                func.coalesce(func.sum(tokens), 0).label("tokens"),
                func.coalesce(func.sum(cost), 0).label("spent"),
                func.coalesce(func.sum(cost).filter(~LEDGER.c.useful), 0).label("unusable"),
                func.coalesce(func.sum(held).filter(opened), 0).label("held"),
            )
            .where(LEDGER.c.day >= since, LEDGER.c.day <= until)
            .where(LEDGER.c.state != ReservationState.RELEASED.value)
            .group_by(heading)
            .order_by(heading)
        )
        if user_id is not None:
            query = query.where(LEDGER.c.user_id == user_id)
        async with self._database.statements() as session:
            rows = (await session.execute(query)).all()
        return [
            UsageRow(
                heading=row.heading,
                requests=row.requests,
                tokens=int(row.tokens),
                spent_micro_usd=int(row.spent),
                unusable_micro_usd=int(row.unusable),
                held_micro_usd=int(row.held),
            )
            for row in rows
        ]

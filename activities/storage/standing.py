"""How things stand, for the metrics page: a few sums, each over what is open or recent."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import text

from activities.storage.database import Database
from models import metrics
from models.metrics import USERS, Measurement, Period
from models.quota import QuotaLimits
from models.reservation import OPEN_STATES

PROVIDERS = text("""
    SELECT p.name, coalesce(h.is_healthy, true) AS healthy
    FROM providers p LEFT JOIN provider_health h ON h.provider_id = p.id
    WHERE p.is_active ORDER BY p.name LIMIT :most
""")

QUOTAS = text("""
    WITH top AS (
        SELECT user_id FROM quota_counters WHERE period = to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')
        ORDER BY spent_micro_usd + held_micro_usd DESC, user_id LIMIT :most
    )
    SELECT c.user_id, length(c.period) > 7 AS daily, c.requests, c.spent_micro_usd + c.held_micro_usd AS used,
           q.user_id IS NOT NULL AS limited,
           (CASE WHEN length(c.period) > 7 THEN q.daily_cost_limit ELSE q.monthly_cost_limit END) AS usd
    FROM top JOIN quota_counters c USING (user_id) LEFT JOIN user_quotas q USING (user_id)
    WHERE c.period IN (
        to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM'), to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')
    )
""")

RESERVATIONS = text("""
    SELECT state, count(*) AS open, coalesce(sum(reserved_micro_usd), 0) AS held
    FROM ledger WHERE state IN ('reserved', 'dispatched', 'unknown') GROUP BY state
""")

PROCESSES = text("""
    SELECT (SELECT count(*) FROM reviews WHERE status = 'running' AND NOT background) AS reviews,
           (SELECT count(*) FROM promotions WHERE status = 'awaiting') AS promotions,
           (SELECT coalesce(max(extract(epoch FROM now() - greatest(e.created_at, (
                SELECT max(s.finished_at) FROM experiment_samples s WHERE s.experiment_id = e.id
            )))), 0) FROM experiments e WHERE e.status = 'running') AS idle,
           (SELECT coalesce(max(seq), 0) FROM audit_log) AS head
""")

EXPERIMENTS = text("SELECT status, count(*) AS open FROM experiments WHERE finished_at IS NULL GROUP BY status")


class PostgresStanding:
    """Reads what gauges show."""

    def __init__(self, database: Database, defaults: QuotaLimits) -> None:
        """Take a database.

        Args:
            database: where.
            defaults: limits of users who were given none of their own.
        """
        self._database = database
        self._limits = {True: defaults.daily_micro_usd, False: defaults.monthly_micro_usd}

    async def read(self, *, with_users: bool) -> tuple[list[Measurement], int]:
        """The gauges, and the number of the audit chain's head.

        Args:
            with_users: whether users are named.

        Raises:
            StoreUnavailable: the database cannot be reached.
        """
        found: list[Measurement] = []
        async with self._database.statements() as session:
            for row in (await session.execute(PROVIDERS, {"most": metrics.PROVIDERS.limit})).mappings():
                found.append(Measurement(metrics.PROVIDER_HEALTHY, int(row["healthy"]), {"provider": row["name"]}))
            if with_users:
                for row in (await session.execute(QUOTAS, {"most": USERS.limit})).mappings():
                    found += self._quota(row)
            known = {row["state"]: row for row in (await session.execute(RESERVATIONS)).mappings()}
            for state in OPEN_STATES:
                row = known.get(state, {"open": 0, "held": 0})
                found.append(Measurement(metrics.RESERVATIONS_OPEN, row["open"], {"state": state}))
                found.append(Measurement(metrics.HELD, int(row["held"]), {"state": state}))
            for row in (await session.execute(EXPERIMENTS)).mappings():
                found.append(Measurement(metrics.EXPERIMENTS_OPEN, row["open"], {"status": row["status"]}))
            row = (await session.execute(PROCESSES)).mappings().one()
        found.append(Measurement(metrics.REVIEWS_RUNNING, row["reviews"]))
        found.append(Measurement(metrics.PROMOTIONS_WAITING, row["promotions"]))
        found.append(Measurement(metrics.EXPERIMENT_IDLE, float(row["idle"])))
        return found, int(row["head"])

    def _quota(self, row: Mapping[Any, Any]) -> Iterator[Measurement]:
        daily = bool(row["daily"])
        labels = {"user": row["user_id"], "period": Period.DAY if daily else Period.MONTH}
        yield Measurement(metrics.QUOTA_USED, int(row["used"]), labels)
        yield Measurement(metrics.QUOTA_REQUESTS, int(row["requests"]), labels)
        limit = self._limits[daily]
        if row["limited"]:
            limit = None if row["usd"] is None else int(row["usd"] * 1_000_000)
        if limit is not None:
            yield Measurement(metrics.QUOTA_LIMIT, limit, labels)

"""Alerts in Postgres: the row is the outbox, and its uniqueness is what makes an alert come once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import Select, String, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from activities.provider_ports import AlertUnknown
from activities.storage.database import Database
from activities.storage.paging import Position, page_of
from models.alert import Alert, AlertType
from models.ids import ID
from models.tables import CostAlert

ALERTS = cast(Table, CostAlert.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

FRESH_SECONDS = 3 * 86_400
"""Older alerts are not sent: who names a target after months wants no flood of what was."""

CLAIM = text(
    """
    UPDATE cost_alerts a
    SET claimed_until = now() + make_interval(secs => :lease), delivery_attempts = a.delivery_attempts + 1
    FROM (
        SELECT id FROM cost_alerts
        WHERE delivered_at IS NULL AND NOT acknowledged AND triggered_at > now() - make_interval(secs => :fresh)
            AND (claimed_until IS NULL OR claimed_until < now())
        ORDER BY triggered_at, id LIMIT :size
        FOR UPDATE SKIP LOCKED
    ) free
    WHERE a.id = free.id
    RETURNING a.*
    """
)
"""Rows that nobody holds, held from now on: two workers never get the same one while the lease lasts."""

DELIVERED = text("UPDATE cost_alerts SET delivered_at = coalesce(delivered_at, now()) WHERE id = :id")

SENT = text(
    """
    UPDATE cost_alerts SET delivered_to = delivered_to || to_jsonb(cast(:target AS text))
    WHERE id = :id AND NOT delivered_to ? :target
    """
)

POSTPONE = text(
    """
    UPDATE cost_alerts SET claimed_until = now() + make_interval(secs => :wait)
    WHERE id = :id AND delivered_at IS NULL
    """
)

ACKNOWLEDGE = text(
    """
    UPDATE cost_alerts
    SET acknowledged = true, acknowledged_by = CASE WHEN acknowledged THEN acknowledged_by ELSE :by END
    WHERE id = :id RETURNING *
    """
).bindparams(bindparam("by", type_=cast(TypeEngine[Any], String())))


async def raise_alert(
    session: AsyncSession, alert_type: AlertType, subject: str, period: str, threshold: int = 0
) -> bool:
    """Note an alert in the caller's transaction, unless it was noted before.

    Args:
        session: of the transaction that makes the alert true.
        alert_type: what it is about.
        subject: user, provider or key.
        period: day or month of a quota, or the moment of a change.
        threshold: per cent; 0 where there is no limit.

    Returns:
        Whether it is new.
    """
    row = {
        "id": uuid4().hex,
        "user_id": subject,
        "alert_type": alert_type.value,
        "period": period,
        "threshold_percentage": threshold,
        "triggered_at": datetime.now(UTC),
        "delivery_attempts": 0,
        "acknowledged": False,
    }
    new = insert(ALERTS).values(row).on_conflict_do_nothing().returning(ALERTS.c.id)
    return (await session.execute(new)).scalar_one_or_none() is not None


class PostgresAlerts:
    """Alerts, newest first for people and oldest first for delivery."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, before: Position | None, size: int, acknowledged: bool | None = None) -> list[Alert]:
        """Alerts older than a position (`triggered_at`, `id`), newest first."""
        query: Select[Any] = select(ALERTS)
        if acknowledged is not None:
            query = query.where(ALERTS.c.acknowledged == acknowledged)
        query = page_of(query, ALERTS.c.triggered_at, ALERTS.c.id, before, size)
        async with self._database.statements() as session:
            return _alerts((await session.execute(query)).all())

    async def acknowledge(self, alert_id: str, by: str) -> Alert:
        """Note who has seen an alert; the first one stays.

        Raises:
            AlertUnknown: there is no such alert.
        """
        if not ID.match(alert_id):
            raise AlertUnknown
        async with self._database.statements() as session:
            found = _alerts((await session.execute(ACKNOWLEDGE, {"id": alert_id, "by": by})).all())
        if not found:
            raise AlertUnknown
        return found[0]

    async def claim(self, size: int, lease_seconds: float) -> list[Alert]:
        """Undelivered alerts, the oldest first; nobody else is given them for `lease_seconds`.

        Not those that somebody has acknowledged, nor those older than `FRESH_SECONDS`: they are no news.
        """
        values = {"size": size, "lease": lease_seconds, "fresh": FRESH_SECONDS}
        async with self._database.statements() as session:
            rows = (await session.execute(CLAIM, values)).all()
        return sorted(_alerts(rows), key=lambda alert: (alert.triggered_at, alert.id))

    async def note_sent(self, alert_id: str, target: str) -> None:
        """One target has it: it is not sent there again when another one fails."""
        async with self._database.statements() as session:
            await session.execute(SENT, {"id": alert_id, "target": target})

    async def mark_delivered(self, alert_id: str) -> None:
        """It was sent: nobody is given it again."""
        async with self._database.statements() as session:
            await session.execute(DELIVERED, {"id": alert_id})

    async def postpone(self, alert_id: str, seconds: float) -> None:
        """Sending failed: it may be claimed again after a while."""
        async with self._database.statements() as session:
            await session.execute(POSTPONE, {"id": alert_id, "wait": seconds})


def _alerts(rows: Sequence[Any]) -> list[Alert]:
    return [
        Alert(
            id=row.id,
            alert_type=AlertType(row.alert_type),
            subject=row.user_id,
            period=row.period,
            threshold_percentage=row.threshold_percentage,
            triggered_at=row.triggered_at.astimezone(UTC).isoformat(),
            delivered_at=row.delivered_at.astimezone(UTC).isoformat() if row.delivered_at else None,
            acknowledged=row.acknowledged,
            acknowledged_by=row.acknowledged_by,
            attempts=row.delivery_attempts,
            delivered_to=tuple(row.delivered_to),
        )
        for row in rows
    ]

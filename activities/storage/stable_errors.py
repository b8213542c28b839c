"""How reviews with the stable version went, counted in Postgres."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import literal, select, text

from activities.storage.alerts import raise_alert
from activities.storage.audit import LOG
from activities.storage.database import Database
from activities.trial_ports import Seen
from models.alert import AlertType
from models.audit import AuditAction
from models.quota import day_of
from models.version import Version

ROLLBACKS = (AuditAction.VERSION_ROLLED_BACK.value, AuditAction.ROLLBACK_REFUSED.value)

LATEST = text(
    """
    SELECT count(*) AS reviews, count(*) FILTER (
        WHERE status = 'failed' OR report -> 'experts' @> '[{"status": "failed"}]'
    ) AS errors
    FROM reviews WHERE id IN (
        SELECT id FROM reviews
        WHERE config_hash = :config AND created_at >= :since AND NOT background AND status IN ('completed', 'failed')
        ORDER BY created_at DESC, id DESC LIMIT :window
    )
    """
)
"""An error is a review that ended without a report, or in which an expert failed.

Not: a report that is partial because code could not be parsed, or an expert that did without its model: that is the
user's code, or a provider's day. What its user cancelled counts neither way.
"""


class PostgresWatch:
    """The port `Watch`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, version: Version, window: int, breached: Callable[[int, int], bool]) -> Seen:
        values = {"config": version.config_hash, "since": version.promoted_at, "window": window}
        async with self._database.transaction() as session:
            counted = (await session.execute(LATEST, values)).one()
            too_many = breached(counted.errors, counted.reviews)
            alerted = too_many and await raise_alert(
                session, AlertType.STABLE_ERRORS, f"version-{version.number}", day_of(datetime.now(UTC))
            )
        return Seen(reviews=counted.reviews, errors=counted.errors, breached=too_many, alerted=alerted)

    async def rollback_tried(self, version_id: str) -> bool:
        query = select(literal(1)).where(
            LOG.c.subject == version_id, LOG.c.actor == "conclave", LOG.c.action.in_(ROLLBACKS)
        )
        async with self._database.statements() as session:
            return (await session.execute(query.limit(1))).first() is not None

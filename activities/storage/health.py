"""Where providers stand, in Postgres; what changes raises its alert in the same transaction."""

import logging
from datetime import UTC
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from activities.ports import StoreUnavailable
from activities.provider_ports import HealthMarks, ProviderUnknown
from activities.storage.alerts import raise_alert
from activities.storage.database import Database
from models.alert import AlertType
from models.call import CallFailure
from models.health import PASSIVE_STREAK, Health, Probe, after, passive_probe
from models.tables import ProviderHealth
from models.traffic import Outcome, outcome_of

HEALTH = cast(Table, ProviderHealth.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

FIRST = insert(HEALTH).on_conflict_do_nothing()
"""A provider that nobody looked at is healthy."""

# The time at which the row is ours, not at which the transaction began: looks are in the order of their times.
LOCKED = (
    select(HEALTH, func.clock_timestamp().label("now")).where(HEALTH.c.provider_id == bindparam("provider"))
).with_for_update()
SAVE = update(HEALTH).where(HEALTH.c.provider_id == bindparam("provider"))

log = logging.getLogger(__name__)


class PostgresHealth:
    """The port `HealthStore`."""

    def __init__(self, database: Database, marks: HealthMarks) -> None:
        self._database = database
        self._marks = marks

    async def all(self) -> dict[str, Health]:
        async with self._database.statements() as session:
            rows = (await session.execute(select(HEALTH))).all()
        return {row.provider_id: _health(row) for row in rows}

    async def note(self, probe: Probe) -> Health:
        try:
            async with self._database.transaction() as session:
                health = await self._noted(session, probe)
        except IntegrityError:
            raise ProviderUnknown from None
        await self._marks.mark({health.provider_id: health.is_healthy})
        return health

    async def note_passive(
        self, provider_id: str, failure: CallFailure | None, latency_ms: int, http_status: int | None = None
    ) -> None:
        """What a real call says of its provider.

        One outage must not stop a provider, so `PASSIVE_STREAK` in a row, over all workers, make one bad look. An
        answer ends the row; it is no good look: a provider recovers by probes alone. What says nothing about the
        provider (keys, limits, our own question) neither counts nor ends the row.
        """
        probe = passive_probe(provider_id, failure, latency_ms, http_status)
        if probe is None and outcome_of(failure, http_status) is Outcome.NEUTRAL:
            return
        row = await self._marks.outages(provider_id, probe is not None)
        if probe is None or row == 0 or row % PASSIVE_STREAK:
            return
        try:
            await self.note(probe)
        except (StoreUnavailable, ProviderUnknown):  # the call that met the outage is not made worse by it
            log.warning("passive_health_not_noted")

    async def mark_all(self) -> None:
        stored = await self.all()
        if stored:
            await self._marks.mark({each.provider_id: each.is_healthy for each in stored.values()})

    async def _noted(self, session: AsyncSession, probe: Probe) -> Health:
        provider = {"provider": probe.provider_id}
        first = ProviderHealth(id=uuid4().hex, provider_id=probe.provider_id)
        await session.execute(FIRST, first.model_dump())
        row = (await session.execute(LOCKED, provider)).one()
        before, now = _health(row), row.now.astimezone(UTC)
        health = after(before, probe).model_copy(update={"last_check_at": now.isoformat()})
        values = health.model_dump(exclude={"provider_id", "last_check_at"}) | {"last_check_at": now}
        await session.execute(SAVE.values(values), provider)
        if health.is_healthy != before.is_healthy:
            kind = AlertType.PROVIDER_RECOVERED if health.is_healthy else AlertType.PROVIDER_UNHEALTHY
            await raise_alert(session, kind, probe.provider_id, now.isoformat())
        return health


def _health(row: Any) -> Health:
    return Health(
        provider_id=row.provider_id,
        is_healthy=row.is_healthy,
        good_streak=row.good_streak,
        consecutive_failures=row.consecutive_failures,
        last_check_at=row.last_check_at.astimezone(UTC).isoformat() if row.last_check_at else None,
        last_error=row.last_error,
        response_time_ms=row.response_time_ms,
        success_rate=row.success_rate,
    )

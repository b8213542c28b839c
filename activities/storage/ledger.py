"""The ledger in Postgres: the truth about money, and the guard that no race, crash or lost cache gets past.

Every method may raise StoreUnavailable. Every change may be asked for twice: the second time changes nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from activities.provider_ports import StoredAnswer
from activities.storage import ledger_sql as sql
from activities.storage.statements import Statement, Statements
from models.quota import ALERT_PERCENTAGES, PeriodUse, QuotaLimits, QuotaState, month_of
from models.reservation import OPEN_STATES, Hold, Reservation, ReservationKey, ReservationState, Settlement

OPEN = tuple(sorted(OPEN_STATES))
ABANDONED = "worker_lost"
"""Failure of an entry whose process died; not a failure of the call."""
FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """Limits and use as one statement saw them."""

    state: QuotaState
    at: datetime
    """The database's clock."""
    day_revision: int
    month_revision: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What became of a request for money: one of both is there."""

    reservation: Reservation | None
    standing: Standing | None
    """After the grant, or at the refusal; None when the reservation was there before."""


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """An entry that holds money."""

    id: str
    workflow_id: str
    state: ReservationState
    created_at: datetime


class PostgresLedger:
    """Reservations, counters, answers and alerts, changed together."""

    def __init__(self, statements: Statements, default_limits: QuotaLimits) -> None:
        """Work on a database.

        Args:
            statements: on a database with this release's schema.
            default_limits: of users who were given none of their own.
        """
        self._statements = statements
        self._defaults = {
            "day_requests": default_limits.daily_requests,
            "month_requests": default_limits.monthly_requests,
            "day_micro": default_limits.daily_micro_usd,
            "month_micro": default_limits.monthly_micro_usd,
        }

    async def standing(self, user_id: str) -> Standing:
        """Limits and use of one user today, without waiting for anybody."""
        return (await self.standings([user_id]))[0]

    async def standings(self, user_ids: Sequence[str]) -> list[Standing]:
        """The same for several users, in no order."""
        rows = await self._statements.rows(sql.STANDING, {"users": list(user_ids), **self._defaults})
        return [_standing(row) for row in rows]

    async def known(self, key: ReservationKey) -> Reservation | None:
        """The reservation that has this key."""
        row = await self._statements.row(sql.KNOWN, _key(key) | {"delivery": key.delivery})
        return None if row is None else _reservation(row)

    async def grant(self, hold: Hold) -> Grant:
        """Set an amount aside, or refuse it."""
        reservation_id = uuid4().hex
        values = _hold(hold) | {"id": reservation_id} | self._defaults
        row = await self._statements.row(sql.GRANT, values)
        if not row["known"] and not row["counted"]:  # the user's first call in this day or month
            await self._statements.rows(sql.COUNTERS, {"user": hold.user_id})
            row = await self._statements.row(sql.GRANT, values)
        if row["granted"]:
            made = Reservation(id=reservation_id, hold=hold, state=ReservationState.RESERVED, day=row["day"])
            return Grant(made, _standing(row))
        if (
            row["known"] or row["fits"]
        ):  # it fits, and still was not made: another one with this key was, a moment before
            return Grant(await self.known(hold.key), None)
        return Grant(None, _standing(row))

    async def dispatch(self, reservation_id: str) -> bool:
        """Whether the question may be sent; from then on its cost may be due."""
        return await self._changed(sql.DISPATCH, {"id": reservation_id})

    async def settle(
        self, reservation_id: str, settlement: Settlement, sealed: bytes | None
    ) -> tuple[Standing, bool] | None:
        """Book a cost and keep the answer; None when it was ended before.

        Returns:
            What is used now, and whether the cost was above what was set aside.
        """
        return await self._settle(
            reservation_id,
            cost=settlement.cost_micro_usd,
            usage=settlement.usage.model_dump_json(),
            tokens=settlement.usage.total,
            useful=settlement.useful,
            sealed=sealed,
            states=list(OPEN),
        )

    async def resolve(self, reservation_id: str, exact: Settlement | None = None) -> Standing | None:
        """End an `unknown` entry: at its exact cost, or at the worst case, which counts as unusable."""
        known = exact or Settlement(cost_micro_usd=0, useful=False)
        done = await self._settle(
            reservation_id,
            cost=None if exact is None else exact.cost_micro_usd,
            usage=None if exact is None else exact.usage.model_dump_json(),
            tokens=known.usage.total,
            useful=known.useful,
            sealed=None,
            states=[ReservationState.UNKNOWN.value],
        )
        return None if done is None else done[0]

    async def _settle(self, reservation_id: str, **values: Any) -> tuple[Standing, bool] | None:
        parameters = {"id": reservation_id, "shares": list(ALERT_PERCENTAGES), **values, **self._defaults}
        row = await self._statements.row(sql.SETTLE, parameters)
        return None if row is None else (_standing(row), bool(row["exceeded"]))

    async def release(self, reservation_id: str, failure: str, states: Sequence[str] = OPEN) -> Standing | None:
        """Give everything back; None when it is in none of these states."""
        parameters = {"id": reservation_id, "failure": failure, "states": list(states), **self._defaults}
        row = await self._statements.row(sql.RELEASE, parameters)
        return None if row is None else _standing(row)

    async def park(self, reservation_id: str, failure: str) -> bool:
        """The outcome is unknown: the amount stays set aside until somebody resolves it."""
        before = [ReservationState.RESERVED.value, ReservationState.DISPATCHED.value]
        return await self._changed(sql.PARK, {"id": reservation_id, "failure": failure, "states": before})

    async def abandon(self, reservation_id: str) -> tuple[bool, Standing | None]:
        """End what a dead process left: never sent is released, maybe sent is unknown.

        Returns:
            Whether it is `unknown` now; what is used now, if it was released.
        """
        standing = await self.release(reservation_id, ABANDONED, [ReservationState.RESERVED.value])
        return (False, standing) if standing else (await self.park(reservation_id, ABANDONED), None)

    async def earlier(self, key: ReservationKey) -> list[str]:
        """Entries of earlier deliveries of the same call that are reserved or dispatched."""
        rows = await self._statements.rows(sql.EARLIER, _key(key) | {"delivery": key.delivery})
        return [row["id"] for row in rows]

    async def answer(self, workflow_id: str, step: str, attempt: int) -> StoredAnswer | None:
        """The answer that was paid for."""
        values = {"workflow": workflow_id, "step": step, "attempt": attempt}
        row = await self._statements.row(sql.ANSWER, values)
        return None if row is None else StoredAnswer(row["reservation_id"], bytes(row["sealed"]))

    async def open_entries(self, grace_seconds: int, after: OpenEntry | None, size: int) -> list[OpenEntry]:
        """Entries that hold money for longer than the grace, oldest first, after one."""
        since, since_id = (after.created_at, after.id) if after else (FIRST, "")
        values = {"grace": grace_seconds, "since": since, "since_id": since_id, "size": size}
        rows = await self._statements.rows(sql.OPEN, values)
        return [
            OpenEntry(row["id"], row["workflow_id"], ReservationState(row["state"]), row["created_at"]) for row in rows
        ]

    async def users(self, after: str, size: int) -> list[str]:
        """Users with counters in this month, in order, after one."""
        return [row["user_id"] for row in await self._statements.rows(sql.USERS, {"after": after, "size": size})]

    async def _changed(self, statement: Statement, values: dict[str, Any]) -> bool:
        return await self._statements.row(statement, values) is not None


def _key(key: ReservationKey) -> dict[str, Any]:
    return {"workflow": key.workflow_id, "step": key.step, "attempt": key.attempt}


def _hold(hold: Hold) -> dict[str, Any]:
    return _key(hold.key) | {
        "delivery": hold.key.delivery,
        "user": hold.user_id,
        "review": hold.review_id,
        "expert": hold.expert,
        "provider": hold.provider_id,
        "key": hold.key_id,
        "amount": hold.amount_micro_usd,
        "price": json.dumps(hold.price),
    }


def _standing(row: Any) -> Standing:
    state = QuotaState(
        user_id=row["user_id"],
        limits=QuotaLimits(
            daily_requests=row["day_requests"],
            monthly_requests=row["month_requests"],
            daily_micro_usd=row["day_micro"],
            monthly_micro_usd=row["month_micro"],
        ),
        day=PeriodUse(
            period=row["day"],
            requests=row["day_used"],
            spent_micro_usd=row["day_spent"],
            held_micro_usd=row["day_held"],
        ),
        month=PeriodUse(
            period=month_of(row["day"]),
            requests=row["month_used"],
            spent_micro_usd=row["month_spent"],
            held_micro_usd=row["month_held"],
        ),
    )
    return Standing(state, row["at"], row["day_revision"], row["month_revision"])


def _reservation(row: Any) -> Reservation:
    hold = Hold(
        key=ReservationKey(
            workflow_id=row["workflow_id"], step=row["step"], attempt=row["attempt"], delivery=row["delivery"]
        ),
        user_id=row["user_id"],
        review_id=row["review_id"],
        expert=row["expert"],
        provider_id=row["provider_id"],
        key_id=row["key_id"],
        amount_micro_usd=row["reserved_micro_usd"],
        price=json.loads(row["price"]),
    )
    return Reservation(id=row["id"], hold=hold, state=ReservationState(row["state"]), day=row["day"])

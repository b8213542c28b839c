"""The quota: counters first, because they are quick; the ledger always, because it is right."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from activities.ports import StoreUnavailable
from activities.provider_ports import QuotaExceeded, QuotaUnavailable, ReservationClosed, StoredAnswer
from activities.quota.counters import RedisCounters, Taken
from activities.storage.ledger import PostgresLedger, Standing
from models.call import CallFailure
from models.quota import QuotaState, day_of, fits, seconds_until_reset
from models.reservation import Hold, Reservation, ReservationKey, Settlement

AGAIN_SECONDS = (0.05,)
"""Every change of the ledger may be asked for twice, so one lost acknowledgement is no failure."""
SETTLE_AGAIN_SECONDS = (0.05, 0.25, 1.0, 3.0)
"""An answer was paid for: a database that restarts is waited for."""

log = logging.getLogger(__name__)
T = TypeVar("T")


class DatabaseClock:
    """The database's clock, read along with its answers: days begin and end by one clock, whatever this host's says."""

    def __init__(self) -> None:
        self._offset: timedelta | None = None

    def heard(self, at: datetime) -> None:
        """Note what the database just said."""
        self._offset = at - self._ticks()

    @property
    def day(self) -> str | None:
        """The UTC day there; None before anything was heard."""
        return None if self._offset is None else day_of(self._ticks() + self._offset)

    @staticmethod
    def _ticks() -> datetime:
        return datetime.fromtimestamp(time.monotonic(), UTC)


class QuotaGate:
    """The port `Quota`."""

    def __init__(self, counters: RedisCounters, ledger: PostgresLedger) -> None:
        self._counters = counters
        self._ledger = ledger
        self._clock = DatabaseClock()

    async def state(self, user_id: str) -> QuotaState:
        standing = await _tried(lambda: self._ledger.standing(user_id))
        self._clock.heard(standing.at)
        return standing.state

    async def reserve(self, hold: Hold) -> Reservation:
        user, amount, day = hold.user_id, hold.amount_micro_usd, self._clock.day
        said = Taken.ABSENT if day is None else await self._counters.take(user, day, amount)
        if said is Taken.FULL:
            found = await self._checked(hold)
            if found is not None:
                return found
        try:
            grant = await _tried(lambda: self._ledger.grant(hold))
        except QuotaUnavailable:
            if said is Taken.TAKEN and day is not None:
                await self._counters.give_back(user, day, amount)
            raise
        standing = grant.standing
        if standing is not None:
            self._clock.heard(standing.at)
        # The ledger's numbers replace those of `take`, unless they are of another day, or of no new grant.
        if said is Taken.TAKEN and day is not None and (standing is None or standing.state.day.period != day):
            await self._counters.give_back(user, day, amount)
        if standing is not None:
            await self._counters.copy(standing, create=True)
        if grant.reservation is None:
            raise _refusal(standing, amount)
        return grant.reservation

    async def _checked(self, hold: Hold) -> Reservation | None:
        """The counters refuse: whether the ledger would too, by reading alone. None: it would not.

        Raises:
            QuotaExceeded: it would.
        """
        known = await _tried(lambda: self._ledger.known(hold.key))
        if known is not None:
            return known
        standing = await _tried(lambda: self._ledger.standing(hold.user_id))
        self._clock.heard(standing.at)
        if fits(standing.state, hold.amount_micro_usd):
            return None
        await self._counters.copy(standing, create=True)
        raise _refusal(standing, hold.amount_micro_usd)

    async def dispatch(self, reservation: Reservation) -> None:
        if not await _tried(lambda: self._ledger.dispatch(reservation.id)):
            raise ReservationClosed

    async def settle(self, reservation: Reservation, settlement: Settlement, sealed: bytes | None) -> None:
        done = await _tried(lambda: self._ledger.settle(reservation.id, settlement, sealed), SETTLE_AGAIN_SECONDS)
        if done is None:
            return
        standing, exceeded = done
        if exceeded:  # booked as it is: a limit is no reason to hide a cost
            log.error("cost_above_reservation", extra={"reservation": reservation.id})
        await self._counters.copy(standing, create=False)

    async def release(self, reservation: Reservation, failure: CallFailure) -> None:
        standing = await _tried(lambda: self._ledger.release(reservation.id, failure.value))
        if standing is not None:
            await self._counters.copy(standing, create=False)

    async def leave_unknown(self, reservation: Reservation, failure: CallFailure) -> None:
        await _tried(lambda: self._ledger.park(reservation.id, failure.value))

    async def answer(self, workflow_id: str, step: str, attempt: int) -> StoredAnswer | None:
        return await _tried(lambda: self._ledger.answer(workflow_id, step, attempt))

    async def abandon_earlier(self, key: ReservationKey) -> None:
        if key.delivery == 1:
            return
        for entry in await _tried(lambda: self._ledger.earlier(key)):
            _, standing = await _tried(lambda entry=entry: self._ledger.abandon(entry))
            if standing is not None:
                await self._counters.copy(standing, create=False)


def _refusal(standing: Standing | None, amount: int) -> QuotaExceeded:
    assert standing is not None, "a ledger that neither grants nor knows tells its numbers"
    return QuotaExceeded(standing.state, seconds_until_reset(standing.state, standing.at, amount))


async def _tried(ask: Callable[[], Awaitable[T]], again: tuple[float, ...] = AGAIN_SECONDS) -> T:
    for wait in again:
        try:
            return await ask()
        except StoreUnavailable:
            await asyncio.sleep(wait)
    try:
        return await ask()
    except StoreUnavailable:
        raise QuotaUnavailable from None

"""Ends what dead processes left open, and holds the counters in Redis against the ledger.

An entry is ended because Temporal says that its workflow has ended, never because it is old: a call may wait for hours.
"""

from collections.abc import Callable

from activities.provider_ports import Processes, ProcessesUnavailable
from activities.quota.counters import RedisCounters
from activities.storage.ledger import OpenEntry, PostgresLedger
from models.reservation import ReservationState, SweepReport

PAGE = 200


class QuotaSweeper:
    """The port `ReservationSweeper`."""

    def __init__(self, ledger: PostgresLedger, counters: RedisCounters, processes: Processes) -> None:
        self._ledger = ledger
        self._counters = counters
        self._processes = processes

    async def sweep(self, grace_seconds: int, beat: Callable[[], None]) -> SweepReport:
        looked_at = left = released = resolved = 0
        closed: dict[str, bool] = {}
        after: OpenEntry | None = None
        while page := await self._ledger.open_entries(grace_seconds, after, PAGE):
            after = page[-1]
            for entry in page:
                beat()
                looked_at += 1
                if not await self._is_closed(entry.workflow_id, closed):
                    left += 1
                    continue
                was_released, was_resolved = await self._end(entry)
                released += was_released
                resolved += was_resolved
        compared, corrected = await self._reconcile(beat)
        return SweepReport(
            looked_at=looked_at,
            left=left,
            released=released,
            resolved=resolved,
            counters_compared=compared,
            counters_corrected=corrected,
        )

    async def _is_closed(self, workflow_id: str, known: dict[str, bool]) -> bool:
        if workflow_id not in known:
            try:
                known[workflow_id] = await self._processes.is_closed(workflow_id)
            except ProcessesUnavailable:
                known[workflow_id] = False  # the next tick asks again
        return known[workflow_id]

    async def _end(self, entry: OpenEntry) -> tuple[bool, bool]:
        """End one entry of a closed workflow; returns whether it was released, and whether it was resolved.

        Neither when its own process ended it meanwhile.
        """
        unknown, standing = True, None
        if entry.state is not ReservationState.UNKNOWN:
            unknown, standing = await self._ledger.abandon(entry.id)
        released = standing is not None
        if unknown:
            standing = await self._ledger.resolve(entry.id)
        if standing is not None:
            await self._counters.copy(standing, create=False)
        return released, unknown and standing is not None

    async def _reconcile(self, beat: Callable[[], None]) -> tuple[int, int]:
        """Hold this month's counters against the ledger's; returns how many there are in Redis, and were wrong."""
        compared = corrected = 0
        last = ""
        while users := await self._ledger.users(last, PAGE):
            last = users[-1]
            today = (await self._ledger.standing(last)).state.day.period
            # Redis is read first: what it holds was copied from the ledger earlier, so it cannot be ahead of it.
            seen = {user: await self._counters.revisions(user, today) for user in users}
            for standing in await self._ledger.standings(users):
                beat()
                user, day = standing.state.user_id, standing.state.day.period
                there = [each is not None for each in seen[user]]
                if day != today or not any(there):
                    continue
                compared += sum(there)
                stands = (standing.day_revision, standing.month_revision)
                if any(each is not None and each > true for each, true in zip(seen[user], stands, strict=True)):
                    await self._counters.forget(user, day)  # the ledger was put back to an earlier state
                    corrected += sum(there)
                else:
                    corrected += await self._counters.copy(standing, create=False)
        return compared, corrected

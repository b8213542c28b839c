"""How things stand, read from the parts when the metrics page is asked for: not more often than every few seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from temporalio.service import RPCError

from activities.ports import StoreUnavailable
from models.audit_lines import LineUnreadable
from models.metrics import AUDIT_CHECKPOINT_AGE, AUDIT_UNSIGNED, PART_READ, Measurement, Part
from starter.composition import Services
from starter.task_queues import queue_standing

KEPT_SECONDS = 5.0
READ_SECONDS = 4.0
"""A part that takes longer counts as unread; Prometheus gives up after ten."""

Read = Callable[[], Awaitable[Sequence[Measurement]]]


class Standing:
    """The gauges of one API process."""

    def __init__(self, services: Services, *, with_users: bool) -> None:
        """Read nothing yet.

        Args:
            services: the parts.
            with_users: whether users are named.
        """
        self._services = services
        self._with_users = with_users
        self._head = 0
        self._reading = asyncio.Lock()
        self._read_at = -KEPT_SECONDS

    async def refresh(self) -> None:
        """Let the page's gauges show the present."""
        gauges = self._services.telemetry.gauges
        async with self._reading:
            if gauges is None or time.monotonic() - self._read_at < KEPT_SECONDS:
                return
            reads: dict[Part, Read] = {Part.DATABASE: self._database, Part.TEMPORAL: self._temporal}
            found = await asyncio.gather(*(_read(part, read) for part, read in reads.items()))
            # After the database, which knows the head of the chain.
            found.append(await _read(Part.CHECKPOINTS, self._checkpoints))
            gauges.stand([measurement for each in found for measurement in each])
            self._read_at = time.monotonic()

    async def _database(self) -> Sequence[Measurement]:
        found, self._head = await self._services.standing.read(with_users=self._with_users)
        return found

    async def _temporal(self) -> Sequence[Measurement]:
        return await queue_standing(self._services.temporal, self._services.settings.task_queue)

    async def _checkpoints(self) -> Sequence[Measurement]:
        last = await self._services.versions.checkpoints.last()
        unsigned = max(self._head - (last.seq if last else 0), 0)
        age = (datetime.now(UTC) - last.at).total_seconds() if last and unsigned else 0.0
        return [Measurement(AUDIT_UNSIGNED, unsigned), Measurement(AUDIT_CHECKPOINT_AGE, age)]


async def _read(part: Part, read: Read) -> list[Measurement]:
    """What a part says, and whether it did."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            found = await read()
    except (StoreUnavailable, RPCError, LineUnreadable, OSError, TimeoutError):
        return [Measurement(PART_READ, 0, {"part": part})]
    return [*found, Measurement(PART_READ, 1, {"part": part})]

"""Steps of a key rotation. Each may be repeated after a crash: every key stays readable between any two statements."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio import activity

from activities.error_mapping import translated
from activities.key_ports import KeyOperator, KeyService, KeyServiceRefused, Refusal, WrappedRows
from activities.review import heartbeating
from models.key_rotation import PageResult, PageTask, Ring, RingReport, RingTask


@dataclass(frozen=True, slots=True)
class KeyRing:
    """What one ring is made of."""

    service: KeyService
    rows: WrappedRows
    operator: KeyOperator | None = None
    """Without one, wrapping keys are rotated and retired by hand."""


@asynccontextmanager
async def _step() -> AsyncGenerator[None, None]:
    """Errors as codes, and a sign of life now and then: a key service is slow at times, a dead worker never."""
    with translated():
        async with heartbeating():
            yield


class KeyRotationActivities:
    """New versions of wrapping keys, and the keys under them wrapped anew."""

    def __init__(self, rings: Mapping[Ring, KeyRing]) -> None:
        self._rings = rings

    @activity.defn
    async def read_key_version(self, task: RingTask) -> RingReport:
        """Which version of the wrapping key wraps now."""
        async with _step():
            mark = await asyncio.to_thread(self._ring(task).service.newest)
        return RingReport(ring=task.ring, mark=mark)

    @activity.defn
    async def rotate_wrapping_key(self, task: RingTask) -> RingReport:
        """Make the version after that of `mark`, unless there is one: a repeated step makes no second one."""
        async with _step():
            ring = self._ring(task)
            if ring.operator is None or not task.mark:
                return RingReport(ring=task.ring, mark=task.mark)
            if await asyncio.to_thread(ring.service.newest) == task.mark:
                await asyncio.to_thread(ring.operator.rotate)
            mark = await asyncio.to_thread(ring.service.newest)
        return RingReport(ring=task.ring, mark=mark, rotated=True)

    @activity.defn
    async def rewrap_page(self, task: PageTask) -> PageResult:
        """Wrap the next keys of older versions anew, each stored by itself."""
        async with _step():
            ring = self._ring(task)
            rows = await ring.rows.page(task.mark, task.after, task.size)
            answers = await asyncio.to_thread(ring.service.rewrap, [row.key for row in rows])
            stored = changed = refused = 0
            for row, answer in zip(rows, answers, strict=True):
                if isinstance(answer, KeyServiceRefused):
                    refused += 1
                elif await ring.rows.replace(row, answer):
                    stored += 1
                else:
                    changed += 1
        last = rows[-1].id if rows else None
        return PageResult(last=last, rewrapped=stored, changed=changed, refused=refused)

    @activity.defn
    async def count_keys_behind(self, task: RingTask) -> int:
        """Keys of older versions than that of `mark`."""
        async with _step():
            return await self._ring(task).rows.behind(task.mark)

    @activity.defn
    async def retire_key_versions(self, task: RingTask) -> bool:
        """Let versions before that of `mark` open nothing any more, unless a key needs them; returns whether."""
        async with _step():
            ring = self._ring(task)
            if ring.operator is None or not task.mark or await ring.rows.behind(task.mark):
                return False
            await asyncio.to_thread(ring.operator.retire, task.mark)
            return True

    def _ring(self, task: RingTask) -> KeyRing:
        ring = self._rings.get(task.ring)
        if ring is None:
            raise KeyServiceRefused(Refusal.UNKNOWN_KEY)
        return ring

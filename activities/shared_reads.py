"""One question to the database for all who ask the same at once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SharedReads(Generic[K, T]):
    """Reads by key; who asks while a read is under way shares the next one.

    Nothing is remembered: every answer was read after it was asked for. Seven experts that begin together, or sixty
    calls of a busy worker, cost two reads where they would cost as many as they are.
    """

    def __init__(self, read: Callable[[K], Awaitable[T]]) -> None:
        self._read = read
        self._running: dict[K, asyncio.Task[T]] = {}
        self._next: dict[K, asyncio.Task[T]] = {}

    async def __call__(self, key: K) -> T:
        """What the read gives, or raises."""
        task = self._next.get(key)
        if task is None:
            task = self._next[key] = asyncio.create_task(self._after(self._running.get(key), key))
            task.add_done_callback(_seen)
        return await asyncio.shield(task)

    async def _after(self, before: "asyncio.Task[T] | None", key: K) -> T:
        if before is not None:
            await asyncio.wait([before])
        task = self._running[key] = self._next.pop(key)
        try:
            return await self._read(key)
        finally:
            if self._running.get(key) is task:
                del self._running[key]


def _seen(task: "asyncio.Task[T]") -> None:
    """A failure is told to those who wait; nobody may be left."""
    if not task.cancelled():
        task.exception()

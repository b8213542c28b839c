"""A review as a stream of server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from models.review import ReviewStatus
from models.submission import ReviewView

LOOK_EVERY_SECONDS = 0.1


async def review_events(
    look: Callable[[], Awaitable[ReviewView]], gone: Callable[[], Awaitable[bool]]
) -> AsyncIterator[dict[str, str]]:
    """Yield `progress` at every change and `ended` at the end; stops when the reader is gone."""
    last = ""
    while not await gone():
        view = await look()
        data = view.model_dump_json()
        if view.status != ReviewStatus.RUNNING:
            yield {"event": "ended", "data": data}
            return
        if data != last:
            yield {"event": "progress", "data": data}
            last = data
        await asyncio.sleep(LOOK_EVERY_SECONDS)

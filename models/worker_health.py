"""What a worker says of itself, and when that is no longer good enough."""

from datetime import datetime, timedelta
from typing import Literal

from models.ids import Queue
from models.wire import Wire

Probe = Literal["live", "ready"]
"""What a probe asks: whether the process does something (if not, start it anew), or whether it takes work."""

BEAT_EVERY = timedelta(seconds=5)
STALE = timedelta(seconds=30)
"""Without a beat for this long the worker's loop stands still: nothing it does takes that long."""

ASK_EVERY = timedelta(seconds=15)
"""How often a worker asks Temporal whether it is listed among the pollers of its queues."""
POLL_MEMORY = timedelta(seconds=75)
"""A poll lasts a minute: a poller that began none for longer has gone."""
DEAF = timedelta(minutes=5)
"""A worker that Temporal has not listed for this long, though it answers, takes no work and should be started anew."""


class WorkerBeat(Wire):
    """State of one worker process at one moment."""

    pid: int
    queues: tuple[Queue, ...]
    started_at: datetime
    at: datetime
    temporal_at: datetime | None = None
    """When Temporal last answered."""
    polling_at: datetime | None = None
    """When Temporal last listed this worker on every one of its queues."""


def why_not_alive(beat: WorkerBeat, now: datetime) -> str | None:
    """Code of what is wrong with the process itself, so that starting it anew may help; None: nothing.

    That Temporal cannot be reached is no reason: a new process would not reach it either.
    """
    if now - beat.at > STALE:
        return "loop_stands_still"
    if beat.temporal_at and beat.temporal_at - (beat.polling_at or beat.started_at) > DEAF:
        return "not_polling"
    return None


def why_not_ready(beat: WorkerBeat, now: datetime) -> str | None:
    """Code of why it takes no work just now; None: it does."""
    if wrong := why_not_alive(beat, now):
        return wrong
    if beat.temporal_at is None or now - beat.temporal_at > POLL_MEMORY:
        return "temporal_unreachable"
    if beat.polling_at is None or now - beat.polling_at > POLL_MEMORY:
        return "not_polling"
    return None

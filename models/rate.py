"""How many requests somebody may send: a bucket that fills evenly and holds so many."""

from models.wire import Wire


class Rate(Wire):
    """A limit."""

    per_minute: int
    """What may go on; 0: no limit."""
    burst: int
    """What may come at once."""


class Room(Wire):
    """What is left of a limit after a request."""

    allowed: bool
    limit: int
    """The burst."""
    left: int
    """Requests that may come at once now."""
    wait_seconds: int
    """Until the next one is allowed; 0 when it is now."""
    full_seconds: int
    """Until nothing is used of the limit."""

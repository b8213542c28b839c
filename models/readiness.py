"""What `GET /readyz` says."""

from models.wire import Wire


class PartReady(Wire):
    """One part, as it answered just now."""

    status: str
    """`ok` or `down`."""
    needed: bool
    """Whether requests cannot be answered without it. Without another part some of the work waits or is refused."""
    code: str | None = None
    """Why it is down."""


class Ready(Wire):
    """Which parts answer."""

    ready: bool
    """Whether every part that is needed answers."""
    parts: dict[str, PartReady]

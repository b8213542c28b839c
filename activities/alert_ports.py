"""What delivering alerts needs from the world, and how it may fail."""

from collections.abc import Sequence
from typing import Protocol

from models.alert import Alert
from models.alert_text import AlertText


class NotSent(Exception):
    """A target did not take a message; asking again later may work."""


class Outbox(Protocol):
    """Alerts that wait for their delivery. Every method raises StoreUnavailable."""

    async def claim(self, size: int, lease_seconds: float) -> list[Alert]:
        """Undelivered alerts, the oldest first; nobody else is given them for `lease_seconds`."""
        ...

    async def note_sent(self, alert_id: str, target: str) -> None:
        """One target has it."""
        ...

    async def mark_delivered(self, alert_id: str) -> None:
        """All targets have it: nobody is given it again."""
        ...

    async def postpone(self, alert_id: str, seconds: float) -> None:
        """It may be claimed again after a while."""
        ...


class Notifier(Protocol):
    """Sends messages to people."""

    @property
    def targets(self) -> Sequence[str]:
        """Fingerprints of the places that messages go to."""
        ...

    async def send(self, target: str, message: AlertText, *, urgent: bool, good_news: bool) -> None:
        """Send one message to one target, once.

        Raises:
            NotSent: it was not taken.
        """
        ...

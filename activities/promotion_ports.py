"""What promotions need from the world, and what people say of them as stores are told it."""

from datetime import timedelta
from typing import NamedTuple, Protocol

from models.gate import Decision
from models.promotion import Evidence, Vote


class Terms(NamedTuple):
    """How a promotion is decided, and which request asks for it."""

    needed: int
    lifetime: timedelta
    request_hash: str
    request_key: str | None = None


class Word(NamedTuple):
    """What an approver says of a promotion."""

    promotion_id: str
    by: str
    vote: Vote
    seen: Evidence | None = None
    """The evidence as the approver saw it; None: as it is asked, for a rejection."""
    reason: str | None = None


class Gate(Protocol):
    """The gate, asked again about an experiment that is over."""

    async def decide(self, experiment_id: str) -> Decision | None:
        """What the policy says now; None: nothing was measured.

        Raises:
            PolicyUnavailable, PolicyMalformed: it says nothing that may be relied on.
        """
        ...

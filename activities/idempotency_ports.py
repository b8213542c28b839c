"""What the API asks of whoever remembers the answers of requests that had an Idempotency-Key."""

from dataclasses import dataclass
from typing import Protocol

from models.idempotency import KeptAnswer, SentRequest


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that may be carried out, by whoever holds this."""

    request: SentRequest
    token: str


class BodyDiffers(Exception):
    """The key came before with another body."""


class InProgress(Exception):
    """A request with the same key is being carried out."""


class Answers(Protocol):
    """Who may carry a request out, and what came of it. Every method raises `StoreUnavailable`."""

    async def claim(self, request: SentRequest) -> Claim | KeptAnswer:
        """Take a request, or get what was answered to it before.

        Raises:
            BodyDiffers: the key came before with another body.
            InProgress: somebody else is at it.
        """
        ...

    async def keep(self, claim: Claim, answer: KeptAnswer) -> None:
        """Store an answer, unless the claim was lost meanwhile."""
        ...

    async def release(self, claim: Claim) -> None:
        """Give a request back: nothing came of it."""
        ...

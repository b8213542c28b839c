"""What the API asks of whoever remembers the answers of requests that had an Idempotency-Key."""

from dataclasses import dataclass

from models.idempotency import SentRequest


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that may be carried out, by whoever holds this."""

    request: SentRequest
    token: str


class BodyDiffers(Exception):
    """The key came before with another body."""


class InProgress(Exception):
    """A request with the same key is being carried out."""

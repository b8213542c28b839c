"""What access needs from the world, and how it may fail."""

from dataclasses import dataclass
from datetime import datetime

from models.access import Caller
from models.access_token import Grant


class TokenUnknown(Exception):
    """No such token, or not one that the caller may see."""


class TokenEnded(Exception):
    """The token that makes another one was revoked, or has expired, meanwhile."""


class OwnerSpelling(Exception):
    """There are tokens of somebody whose name differs in upper and lower case alone: people are told apart by it."""


class TooManyTokens(Exception):
    """The owner has as many usable tokens as anybody may have."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to be stored."""

    id: str
    digest: str
    name: str
    grant: Grant
    by: Caller
    expires_at: datetime

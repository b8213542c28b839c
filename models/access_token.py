"""Tokens that callers make: what is stored of them, what is shown, and who may make which."""

import re
from base64 import urlsafe_b64encode
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from models.access import Action, Caller, Scopes, twice_is_once
from models.errors import InvalidInput
from models.identity import Role, UserName
from models.wire import Wire

PREFIX = "cvt_"
"""Of every token, so that people and secret scanners know one when they see one."""
RANDOM_BYTES = 32
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}\Z")

TokenName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._@/+-]*$", max_length=80)]


class TokenState(StrEnum):
    """Whether a token still opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class TokenRequest(Wire):
    """A token that is wanted."""

    name: TokenName
    """What it is for."""
    owner: UserName | None = None
    """On whose behalf it acts; None: the caller's. Another's is for administrators."""
    roles: Annotated[frozenset[Role], Field(min_length=1, json_schema_extra=twice_is_once)] | None = None
    """At most the caller's own; None: all of these, or `user` for another's."""
    scopes: Scopes | None = None
    """What it is good for; None: everything that its roles may do."""
    days: Annotated[int, Field(ge=1)] | None = None
    """Until it expires; None: as many as the service allows."""


class TokenView(Wire):
    """A token without the token."""

    id: str
    name: str
    owner: str
    roles: tuple[Role, ...]
    scopes: tuple[Action, ...] | None = None
    """None: everything that the roles may do."""
    state: TokenState
    created_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    """To the minute."""
    revoked_at: datetime | None = None


class TokenCreated(TokenView):
    """A new token; nobody sees it again."""

    token: str


class TokenPage(Wire):
    """Some tokens, newest first."""

    tokens: tuple[TokenView, ...] = ()
    next_cursor: str | None = None


class Grant(Wire):
    """What a new token may do."""

    owner: str
    roles: frozenset[Role]
    scopes: Scopes | None


def token_of(random: bytes) -> str:
    """The token that `RANDOM_BYTES` random bytes make."""
    return PREFIX + urlsafe_b64encode(random).decode().rstrip("=")


def is_token(text: str) -> bool:
    """Whether a text can be one at all."""
    return _TOKEN.match(text) is not None


def state_of(expires_at: datetime, revoked_at: datetime | None, now: datetime) -> TokenState:
    """Revoked before expired: it says more."""
    if revoked_at is not None:
        return TokenState.REVOKED
    return TokenState.ACTIVE if now < expires_at else TokenState.EXPIRED


def granted(request: TokenRequest, who: Caller) -> Grant:
    """What the token that somebody asks for may do: nothing that they may not.

    Whoever may make tokens for others must not come to decide over promotions that way: `approver` is passed on by
    nobody but to oneself.

    Raises:
        InvalidInput: `role_not_yours`, `scope_not_yours`.
    """
    own = request.owner is None or request.owner == who.name
    roles = request.roles or (who.roles if own else frozenset({Role.USER}))
    for role in sorted(roles):
        if not who.may(role) or (role is Role.APPROVER and not own):
            raise InvalidInput("role_not_yours", _not_yours(role, own), 403, role=role.value)
    scopes = request.scopes or who.scopes
    if who.scopes is not None and scopes is not None and not scopes <= who.scopes:
        missing = min(scopes - who.scopes)
        raise InvalidInput(
            "scope_not_yours",
            f"The token that you send has not the scope {missing}, so one that it makes has not either.",
            403,
            scope=missing.value,
        )
    return Grant(owner=request.owner or who.name, roles=roles, scopes=scopes)


def _not_yours(role: Role, own: bool) -> str:
    if role is Role.APPROVER and not own:
        return "The role approver is passed on to nobody: approvers make their own tokens (docs/api.md)."
    return f"You have not the role {role}, so a token of yours has not either; ask an administrator."

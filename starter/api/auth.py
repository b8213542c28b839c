"""Who is calling, and what they may do. A route that names none of these dependencies is open to all."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Annotated, cast

from fastapi import Depends, Request

from models.errors import InvalidInput
from models.identity import Identity, Role, digest

MAX_TOKEN_LENGTH = 512


class Forbidden(InvalidInput):
    """A known caller who may not do this."""

    def __init__(self, role: Role = Role.ADMIN) -> None:
        message = f"This takes the role {role}; ask an administrator."
        super().__init__("forbidden", message, 403, role=role.value)


class Unauthenticated(InvalidInput):
    """No token, or not one of ours."""

    def __init__(self) -> None:
        super().__init__("unauthenticated", "Send `Authorization: Bearer TOKEN` with a valid token.", 401)


def same_token(sent: str, known: str) -> bool:
    """Compare tokens by their digests, in constant time."""
    return hmac.compare_digest(hashlib.sha256(sent.encode()).digest(), hashlib.sha256(known.encode()).digest())


def bearer(request: Request) -> str:
    """The bearer token of a request.

    Raises:
        Unauthenticated: there is none, or more than one.
    """
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise InvalidInput("ambiguous_authorization", "Send one Authorization header.", 400)
    scheme, _, token = (values[0] if values else "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise Unauthenticated
    return token


def identity(request: Request) -> Identity:
    """Who sends a request.

    Raises:
        Unauthenticated: the token is not known.
    """
    sent, found = digest(bearer(request)), None
    # All are compared, whoever it is: how long it takes tells nothing.
    for each in cast(tuple[Identity, ...], request.app.state.identities):
        if hmac.compare_digest(sent, each.token_sha256):
            found = each
    if found is None:
        raise Unauthenticated
    return found


Known = Annotated[Identity, Depends(identity)]


def caller(who: Known) -> str:
    """The owner on whose behalf a request acts."""
    return who.name


Caller = Annotated[str, Depends(caller)]


def is_admin(who: Known) -> bool:
    """Whether a request's token is an administrator's."""
    return who.may(Role.ADMIN)


IsAdmin = Annotated[bool, Depends(is_admin)]


def admin(owner: Caller, allowed: IsAdmin) -> str:
    """The administrator on whose behalf a request acts.

    Raises:
        Forbidden: the caller is none.
    """
    if not allowed:
        raise Forbidden
    return owner


Admin = Annotated[str, Depends(admin)]


def _having(*roles: Role) -> Callable[[Identity], str]:
    def allowed(who: Known) -> str:
        for role in roles:
            if not who.may(role):
                raise Forbidden(role)
        return who.name

    return allowed


Operator = Annotated[str, Depends(_having(Role.OPERATOR))]
"""Name of a caller who is an operator; `Forbidden` else."""
Approver = Annotated[str, Depends(_having(Role.APPROVER))]
"""Name of a caller who is an approver; `Forbidden` else."""


def on_behalf(owner: str, allowed: bool, wanted: str | None) -> str:
    """Whose limits and use are shown: the caller's own, or those of somebody an administrator asks about.

    Raises:
        Forbidden: somebody else's, and the caller is no administrator.
    """
    if wanted is None or wanted == owner:
        return owner
    if not allowed:
        raise Forbidden
    return wanted

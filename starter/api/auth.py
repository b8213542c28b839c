"""Who is calling."""

import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, Request

from models.errors import InvalidInput

MAX_TOKEN_LENGTH = 512


class Forbidden(InvalidInput):
    """A known caller who may not do this."""

    def __init__(self) -> None:
        super().__init__("forbidden", "This takes the role admin; ask an administrator.", 403)


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


def caller(request: Request) -> str:
    """The owner on whose behalf a request acts.

    Raises:
        Unauthenticated: the token is not known.
    """
    if not same_token(bearer(request), request.app.state.api_token):
        raise Unauthenticated
    return "local"


Caller = Annotated[str, Depends(caller)]


def is_admin(request: Request) -> bool:
    """Whether a request's token is an administrator's. There is one token today, and it is.

    Raises:
        Unauthenticated: the token is not known.
    """
    return bool(caller(request))


IsAdmin = Annotated[bool, Depends(is_admin)]


def admin(owner: Caller, allowed: IsAdmin) -> str:
    """The administrator on whose behalf a request acts.

    Raises:
        Unauthenticated: the token is not known.
        Forbidden: it is not an administrator's.
    """
    if not allowed:
        raise Forbidden
    return owner


Admin = Annotated[str, Depends(admin)]


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

"""Who is calling, and whether they may do what a route does. A route that says neither refuses everybody."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse

from models.access import DECISIVE, AccessAnswer, AccessReason, Action, Caller
from models.access_token import TokenState, is_token
from models.audit import AuditAction, AuditEvent
from models.errors import InvalidInput
from models.identity import Identity, Role, digest
from models.rate import Rate
from starter.api.limits import limited
from starter.api.problems import answer
from starter.api.state import State

MAX_TOKEN_LENGTH = 512

ENDED = {
    TokenState.EXPIRED: "The token has expired; make another one (`conclave token create`).",
    TokenState.REVOKED: "The token was revoked; use another one (`conclave token create`).",
}


class Forbidden(InvalidInput):
    """A known caller who may not do this."""

    def __init__(self, *roles: Role) -> None:
        names = " or ".join(roles or (Role.ADMIN,))
        message = f"This takes the role {names}; ask an administrator."
        super().__init__("forbidden", message, 403, role=names)


class OutOfScope(InvalidInput):
    """A token that was not made for this."""

    def __init__(self, action: Action) -> None:
        message = f"The token has not the scope {action}; use one that has (`conclave token create --scope {action}`)."
        super().__init__("scope_missing", message, 403, scope=action.value)


class Unauthenticated(InvalidInput):
    """No token, or not one of ours."""

    def __init__(self, code: str = "unauthenticated", message: str | None = None) -> None:
        super().__init__(code, message or "Send `Authorization: Bearer TOKEN` with a valid token.", 401)


def same_token(sent: str, known: str) -> bool:
    """Compare tokens by their digests, in constant time."""
    return hmac.compare_digest(digest(sent), digest(known))


def bearer(request: Request) -> str:
    """The bearer token of a request.

    Raises:
        Unauthenticated: there is none.
        InvalidInput: `ambiguous_authorization`, there is more than one.
    """
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise InvalidInput("ambiguous_authorization", "Send one Authorization header.", 400)
    scheme, _, token = (values[0] if values else "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise Unauthenticated
    return token


async def identity(request: Request, state: State) -> Caller:
    """Who sends a request; it counts towards the limit of the token or, without a valid one, of the address.

    Raises:
        Unauthenticated: the token is not known, or good no more.
        RateLimited: too many requests.
        StoreUnavailable: it cannot be known whose a token is; nobody is let in then.
    """
    settings = state.access.settings
    try:
        found = await _sender(bearer(request), request, state)
    except Unauthenticated:
        failures = settings.failed_logins_per_minute
        address = request.client.host if request.client else ""
        await limited(request, state, "address", address, Rate(per_minute=failures, burst=max(1, failures)))
        raise
    await limited(
        request,
        state,
        "token",
        found.token_sha256,
        Rate(per_minute=settings.rate_per_minute, burst=settings.rate_burst),
    )
    return found


async def _sender(token: str, request: Request, state: State) -> Caller:
    sent, found = digest(token), None
    # All are compared, whoever it is: how long it takes tells nothing.
    for each in cast(tuple[Identity, ...], request.app.state.identities):
        if hmac.compare_digest(sent, each.token_sha256):
            found = each
    if found is not None:
        return Caller(**found.model_dump())
    stored = await state.access.tokens.find(sent) if is_token(token) else None
    if stored is None:
        raise Unauthenticated
    who, token_state = stored
    if token_state is not TokenState.ACTIVE:
        raise Unauthenticated(f"token_{token_state}", ENDED[token_state])
    return who


Known = Annotated[Caller, Depends(identity)]


@dataclass(frozen=True, slots=True)
class May:
    """The dependency by which a route says what it does: lets nobody in whom the access policy does not.

    Calling it gives the caller's name, and raises
        Forbidden: no role of the caller's is enough.
        OutOfScope: the token was not made for this.
        PolicyUnavailable, PolicyMalformed: nobody knows; then nobody may.
    """

    action: Action

    async def __call__(self, request: Request, who: Known, state: State) -> str:
        said = await _decided(self.action, who, state)
        if said.allow:
            return who.name
        if said.reasons == (AccessReason.SCOPE_MISSING,):
            raise OutOfScope(self.action)
        if self.action in DECISIVE:
            await _note(self.action, said, request, who, state)
        raise Forbidden(*said.roles)


def may(action: Action) -> Any:
    """For a parameter that is the name of a caller who may do this."""
    return Depends(May(action))


@dataclass(frozen=True, slots=True)
class Whether:
    """The dependency of routes that show or do more for some: whether the caller is one of them."""

    action: Action

    async def __call__(self, who: Known, state: State) -> bool:
        return (await _decided(self.action, who, state)).allow


def whether(action: Action) -> Any:
    """For a parameter that tells if the caller may do this as well."""
    return Depends(Whether(action))


async def _decided(action: Action, who: Caller, state: State) -> AccessAnswer:
    return await state.access.policy.decide(action, who.roles, who.scopes)


async def _note(action: Action, said: AccessAnswer, request: Request, who: Caller, state: State) -> None:
    event = AuditEvent(
        action=AuditAction.FORBIDDEN,
        actor=who.name,
        subject=f"{request.method} {request.scope['route'].path}",
        data={"role": " or ".join(said.roles), "action": action.value},
    )
    await state.services.versions.audit.append(event)


def open_to_all() -> None:
    """The dependency of routes that anybody may call, or that look at a token of their own kind."""


OPEN = Depends(open_to_all)


def declared(request: Request) -> None:
    """Refuse a route that says neither what it does nor that it is open: forgetting it opens nothing.

    Raises:
        Forbidden: always, then.
    """
    dependant: Dependant | None = getattr(request.scope.get("route"), "dependant", None)
    if dependant is None or not any(isinstance(each, May) or each is open_to_all for each in calls_of(dependant)):
        raise Forbidden


DECLARED = Depends(declared)


def calls_of(dependant: Dependant) -> Iterator[Any]:
    """Every dependency of a route."""
    for each in dependant.dependencies:
        yield each.call
        yield from calls_of(each)


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


def install(app: FastAPI) -> None:
    """Tell clients how to authenticate."""

    @app.exception_handler(Unauthenticated)
    async def refused(_request: Request, error: Unauthenticated) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return answer(401, error.problem, {"WWW-Authenticate": "Bearer"})

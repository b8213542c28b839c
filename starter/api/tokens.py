"""Tokens of callers: made once, shown once, listed and revoked."""

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from activities.access_ports import NewToken, OwnerSpelling, TokenEnded, TokenUnknown, TooManyTokens
from models.access import Action, Caller
from models.access_token import (
    RANDOM_BYTES,
    TokenCreated,
    TokenPage,
    TokenRequest,
    TokenState,
    TokenView,
    granted,
    token_of,
)
from models.errors import InvalidInput
from models.identity import digest
from models.ids import ID
from models.provider_requests import UserId
from starter.api import cursors, routing
from starter.api.auth import ENDED, Forbidden, Known, Unauthenticated, may, on_behalf, whether
from starter.api.body import JsonBody
from starter.api.state import ApiState, State

router = routing.router("tokens")

Reader = Annotated[str, may(Action.TOKENS_READ)]
Writer = Annotated[str, may(Action.TOKENS_WRITE)]
ForAll = Annotated[bool, whether(Action.TOKENS_ALL)]

MAX_BODY_BYTES = 8 * 1024


@router.post("/tokens", status_code=201, responses=routing.refuses(409), openapi_extra=routing.SECRET_ANSWER)
async def create_token(
    request: Request,
    response: Response,
    owner: Writer,
    is_admin: ForAll,
    who: Known,
    state: State,
    body: Annotated[TokenRequest, Depends(JsonBody(TokenRequest, MAX_BODY_BYTES))],
) -> TokenCreated:
    """Make a token: one's own with at most one's own rights or, for administrators, another's. It is shown here and
    nowhere else; revoke one whose answer was lost.
    """
    if body.owner not in (None, owner) and not is_admin:
        raise Forbidden
    token, grant = token_of(secrets.token_bytes(RANDOM_BYTES)), granted(body, who)
    _check_spelling(grant.owner, request)
    wanted = NewToken(uuid.uuid4().hex, digest(token), body.name, grant, who, _expiry(body.days, who, state))
    try:
        made = await state.access.tokens.add(wanted)
    except TokenEnded:
        raise Unauthenticated("token_revoked", ENDED[TokenState.REVOKED]) from None
    except OwnerSpelling:
        raise _spelling() from None
    except TooManyTokens:
        raise InvalidInput("too_many_tokens", "The owner has too many tokens; revoke one first.", 409) from None
    response.headers["Location"] = f"/tokens/{made.id}"
    return TokenCreated(**made.model_dump(), token=token)


@router.get("/tokens")
async def list_tokens(
    owner: Reader,
    is_admin: ForAll,
    state: State,
    user: Annotated[UserId | None, Query()] = None,
    everybody: Annotated[bool, Query()] = False,
    cursor: cursors.Cursor = None,
    page_size: cursors.PageSize = 50,
) -> TokenPage:
    """The caller's tokens or, for administrators, those of one user or of everybody; newest first, revoked ones too."""
    if everybody and not is_admin:
        raise Forbidden
    whose = None if everybody else on_behalf(owner, is_admin, user)
    found = await state.access.tokens.page(whose, cursors.moment_of(cursor), page_size + 1)
    shown, following = cursors.cut(found, page_size, lambda row: cursors.of_moment(row.created_at, row.id))
    return TokenPage(tokens=tuple(shown), next_cursor=following)


@router.get("/tokens/{token_id}")
async def read_token(token_id: str, owner: Reader, is_admin: ForAll, state: State) -> TokenView:
    """One token."""
    return await _theirs(token_id, owner, is_admin, state)


@router.delete("/tokens/{token_id}", status_code=204)
async def revoke_token(token_id: str, owner: Writer, is_admin: ForAll, state: State) -> None:
    """Revoke a token and all that were made with it; they open nothing from this answer on."""
    token = await _theirs(token_id, owner, is_admin, state)
    await state.access.tokens.revoke(token.id, owner)


async def _theirs(token_id: str, owner: str, is_admin: bool, state: ApiState) -> TokenView:
    """A token that the caller may see: another's is as unknown as none.

    Raises:
        TokenUnknown: there is no such token.
    """
    if not ID.match(token_id):
        raise TokenUnknown
    return await state.access.tokens.get(token_id, None if is_admin else owner)


def _expiry(days: int | None, who: Caller, state: ApiState) -> datetime:
    """When a new token expires: not after the one that it is made with.

    Raises:
        InvalidInput: `days` is more than the service allows.
    """
    most = state.access.settings.token_days
    if days is not None and days > most:
        raise InvalidInput("invalid_field", f"`days` is at most {most} here.", field="days", le=most)
    expires_at = datetime.now(UTC) + timedelta(days=days or most)
    return expires_at if who.expires_at is None else min(expires_at, who.expires_at)


def _check_spelling(owner: str, request: Request) -> None:
    names = {each.name for each in request.app.state.identities}
    if owner not in names and owner.casefold() in {name.casefold() for name in names}:
        raise _spelling()


def _spelling() -> InvalidInput:
    return InvalidInput(
        "owner_spelling",
        "`owner` differs from a known name in upper and lower case alone, and people are told apart by their names; "
        "write it as it is.",
        409,
        field="owner",
    )

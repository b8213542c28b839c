"""Keys of providers: they come in, and never out."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Response
from pydantic import SecretStr

from activities.provider_ports import KeyUnknown
from models.access import Action
from models.endpoint import checked_endpoint
from models.errors import InvalidInput
from models.ids import ID
from models.key import checked_key
from models.provider import PLATFORM, Provider, ProviderKey
from models.provider_requests import KeyRequest, RotateRequest
from models.provider_views import KeyList, KeyView, key_view
from starter.api import cursors, routing
from starter.api.auth import Forbidden, may, whether
from starter.api.body import JsonBody
from starter.api.state import ApiState, State

router = routing.router("keys")

Reader = Annotated[str, may(Action.KEYS_READ)]
Writer = Annotated[str, may(Action.KEYS_WRITE)]
ForAll = Annotated[bool, whether(Action.KEYS_PLATFORM)]

MAX_BODY_BYTES = 64 * 1024
MOST_KEYS = 100
"""Keys of one owner."""


@router.post("/user-providers", status_code=201, responses=routing.refuses(404))
async def add_key(
    response: Response,
    owner: Writer,
    is_admin: ForAll,
    state: State,
    body: Annotated[KeyRequest, Depends(JsonBody(KeyRequest, MAX_BODY_BYTES))],
) -> KeyView:
    """Store a key for a provider: the caller's own or, for administrators, one that serves every user."""
    if body.platform and not is_admin:
        raise Forbidden
    keys, holder = state.services.providers.keys, PLATFORM if body.platform else owner
    provider = await _key_taker(body, state)
    checked = _checked(body.key)
    if len(await keys.owned(holder)) >= MOST_KEYS:
        raise InvalidInput("too_many_keys", f"There are {MOST_KEYS} keys already; remove one first.", 409)
    key = await keys.add(holder, provider, checked)
    response.headers["Location"] = f"/user-providers/{key.id}"
    return key_view(key, body.platform)


@router.get("/user-providers")
async def list_keys(
    owner: Reader,
    is_admin: ForAll,
    state: State,
    platform: bool = False,
    cursor: cursors.Cursor = None,
    page_size: cursors.PageSize = MOST_KEYS,
) -> KeyList:
    """The caller's keys or, for administrators, the platform's; oldest first."""
    if platform and not is_admin:
        raise Forbidden
    seen, found = cursors.moment_of(cursor), await state.services.providers.keys.owned(PLATFORM if platform else owner)
    left = [key for key in found if seen is None or _place(key) > seen]
    shown, following = cursors.cut(left, page_size, lambda key: cursors.of_moment(*_place(key)))
    return KeyList(keys=tuple(key_view(key, platform) for key in shown), next_cursor=following)


def _place(key: ProviderKey) -> tuple[datetime, str]:
    return datetime.fromisoformat(key.created_at), key.id


@router.post("/user-providers/{key_id}/rotate")
async def rotate_key(
    key_id: str,
    owner: Writer,
    is_admin: ForAll,
    state: State,
    body: Annotated[RotateRequest, Depends(JsonBody(RotateRequest, MAX_BODY_BYTES))],
) -> KeyView:
    """Replace a key; the old one is forgotten at once."""
    key = await _mine(key_id, owner, is_admin, state)
    provider = await state.services.providers.catalogue.get(key.provider_id)
    rotated = await state.services.providers.keys.rotate(key.id, key.owner, provider, _checked(body.key))
    return key_view(rotated, key.owner == PLATFORM)


@router.delete("/user-providers/{key_id}", status_code=204)
async def remove_key(key_id: str, owner: Writer, is_admin: ForAll, state: State) -> None:
    """Revoke a key and erase it."""
    key = await _mine(key_id, owner, is_admin, state)
    await state.services.providers.keys.remove(key.id, key.owner)


async def _mine(key_id: str, owner: str, is_admin: bool, state: ApiState) -> ProviderKey:
    """A key that the caller may change: another's is as unknown as none.

    Raises:
        KeyUnknown: there is no such key.
    """
    keys = state.services.providers.keys
    if not ID.match(key_id):
        raise KeyUnknown
    try:
        return await keys.get(key_id, owner)
    except KeyUnknown:
        if not is_admin:
            raise
    return await keys.get(key_id, PLATFORM)


async def _key_taker(body: KeyRequest, state: ApiState) -> Provider:
    """The provider that a key is for.

    Raises:
        ProviderUnknown: there is none.
        InvalidInput: it takes no key, or is not where the sender believes.
    """
    provider = await state.services.providers.catalogue.find(body.provider)
    if not provider.needs_key:
        raise InvalidInput("no_key_needed", "This provider takes no key.", field="provider")
    if body.endpoint is not None:
        told = checked_endpoint(body.endpoint, state.services.settings.allow_loopback_providers)
        if told != provider.endpoint:
            raise InvalidInput(
                "endpoint_mismatch",
                "`endpoint` is not where this provider is; a key is stored for the provider's endpoint only "
                "(`conclave provider show`).",
                409,
                field="endpoint",
            )
    return provider


def _checked(key: SecretStr) -> bytearray:
    """The key in a buffer that is wiped by whoever stores it. The text it came in is not: it is Python's."""
    return checked_key(key.get_secret_value())

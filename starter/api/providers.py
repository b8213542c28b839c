"""The catalogue of providers."""

import asyncio
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import Depends, Response

from activities.provider_ports import KeysStored, PriceUnknown
from models.access import Action
from models.errors import InvalidInput
from models.health import Health
from models.pricing import PriceSheet
from models.provider import PLATFORM, Provider, ProviderKey
from models.provider_requests import (
    ProviderChange,
    ProviderRequest,
    changed,
    changes_of,
    endpoint_of,
    provider_of,
)
from models.provider_views import ProbeView, ProviderPage, ProviderView, provider_view
from starter.api import cursors, routing
from starter.api.auth import may, whether
from starter.api.body import JsonBody, NoBody
from starter.api.endpoints import accepted
from starter.api.probing import probed
from starter.api.state import ApiState, State

router = routing.router("providers")

Reader = Annotated[str, may(Action.PROVIDERS_READ)]
Writer = Annotated[str, may(Action.PROVIDERS_WRITE)]
Tester = Annotated[str, may(Action.PROVIDERS_TEST)]
ForAll = Annotated[bool, whether(Action.KEYS_PLATFORM)]

MAX_BODY_BYTES = 16 * 1024


@router.get("/providers")
async def list_providers(
    owner: Reader, state: State, cursor: cursors.Cursor = None, page_size: cursors.PageSize = 50
) -> ProviderPage:
    """The catalogue by name, switched off providers included."""
    position = cursors.name_of(cursor)
    found = await state.services.providers.catalogue.page(position, page_size + 1)
    shown, following = cursors.cut(found, page_size, lambda row: cursors.of_name(row.name))
    return ProviderPage(providers=tuple(await _views(shown, owner, state)), next_cursor=following)


@router.post("/providers", status_code=201)
async def add_provider(
    response: Response,
    owner: Writer,
    state: State,
    wanted: Annotated[ProviderRequest, Depends(JsonBody(ProviderRequest, MAX_BODY_BYTES))],
) -> ProviderView:
    """Put a provider into the catalogue."""
    endpoint = await accepted(endpoint_of(wanted), state.services.settings)
    provider = provider_of(wanted, uuid.uuid4().hex, endpoint)
    await state.services.providers.catalogue.add(provider)
    response.headers["Location"] = f"/providers/{provider.id}"
    return await _view(provider, owner, state)


@router.get("/providers/{provider_id}")
async def read_provider(provider_id: str, owner: Reader, state: State) -> ProviderView:
    """One provider, by its id or name."""
    return await _view(await state.services.providers.catalogue.find(provider_id), owner, state)


@router.patch("/providers/{provider_id}", responses=routing.refuses(409))
async def change_provider(
    provider_id: str,
    owner: Writer,
    state: State,
    body: Annotated[ProviderChange, Depends(JsonBody(ProviderChange, MAX_BODY_BYTES))],
) -> ProviderView:
    """Change what the body names. The address cannot change while keys are stored for it."""
    changes = changes_of(body)
    if "endpoint" in changes:
        changes["endpoint"] = await accepted(changes["endpoint"], state.services.settings)
    catalogue = state.services.providers.catalogue
    provider = await catalogue.find(provider_id)
    try:
        provider = await catalogue.change(provider.id, partial(changed, changes=changes))
    except KeysStored as stored:
        raise InvalidInput(
            "key_reentry_required",
            f"{_keys(stored.count)} for this provider, and a key goes only to the endpoint it was given for. Have "
            "them removed and given anew, or add another provider and switch this one off.",
            409,
            keys=stored.count,
        ) from None
    return await _view(provider, owner, state)


@router.delete("/providers/{provider_id}", status_code=204, responses=routing.refuses(409))
async def disable_provider(provider_id: str, owner: Writer, state: State) -> None:
    """Switch a provider off that nobody has a key for. Its entry stays: reports and the ledger name it."""
    catalogue = state.services.providers.catalogue
    try:
        await catalogue.retire((await catalogue.find(provider_id)).id)
    except KeysStored as stored:
        raise InvalidInput(
            "provider_in_use",
            f"{_keys(stored.count)} for this provider. Have them removed, or switch it off and keep them "
            "(`is_active`: false; `conclave provider update NAME --inactive`).",
            409,
            keys=stored.count,
        ) from None


@router.post("/providers/{provider_id}/test")
async def test_provider(provider_id: str, owner: Tester, is_admin: ForAll, state: State, _body: NoBody) -> ProbeView:
    """Ask a provider for a sign of life, with the caller's key or, for administrators, the platform's."""
    providers = state.services.providers
    return await probed(await providers.catalogue.find(provider_id), owner, is_admin, providers)


def _keys(count: int) -> str:
    return f"{count} key is stored" if count == 1 else f"{count} keys are stored"


async def _view(provider: Provider, owner: str, state: ApiState) -> ProviderView:
    return (await _views([provider], owner, state))[0]


async def _views(shown: Sequence[Provider], owner: str, state: ApiState) -> list[ProviderView]:
    providers = state.services.providers
    health: dict[str, Health]
    keys: list[ProviderKey]
    health, keys = await asyncio.gather(providers.health.all(), providers.keys.usable([owner, PLATFORM]))
    return [provider_view(each, _sheet(each, state), health.get(each.id), keys, owner) for each in shown]


def _sheet(provider: Provider, state: ApiState) -> PriceSheet | None:
    try:
        return state.services.providers.prices.sheet(provider)
    except PriceUnknown:
        return None

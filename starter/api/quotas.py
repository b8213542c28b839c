"""Limits of users."""

from typing import Annotated

from fastapi import Depends, Path, Query

from models.access import Action
from models.provider_requests import QuotaRequest, UserId
from models.quota_views import QuotaPage, QuotaView, quota_view
from starter.api import cursors, routing
from starter.api.auth import may, on_behalf, whether
from starter.api.body import JsonBody
from starter.api.state import State

router = routing.router("quotas")

Reader = Annotated[str, may(Action.QUOTAS_READ)]
Writer = Annotated[str, may(Action.QUOTAS_WRITE)]
ReadsAll = Annotated[bool, whether(Action.QUOTAS_READ_ALL)]

MAX_BODY_BYTES = 4 * 1024


@router.get("/quotas")
async def list_quotas(
    owner: Reader,
    is_admin: ReadsAll,
    state: State,
    user: Annotated[UserId | None, Query()] = None,
    own: Annotated[bool, Query()] = False,
    cursor: cursors.Cursor = None,
    page_size: cursors.PageSize = 50,
) -> QuotaPage:
    """Limits and use: the caller's own, or for administrators those of one user or of everybody by name.

    Everybody is: who has limits of their own, or used something this month.
    """
    quotas = state.services.providers.quotas
    if user is not None or own or not is_admin:
        wanted = on_behalf(owner, is_admin, None if own else user)
        return QuotaPage(quotas=(quota_view(await quotas.get(wanted)),))
    found = await quotas.page(cursors.name_of(cursor) or "", page_size + 1)
    shown, following = cursors.cut(found, page_size, lambda row: cursors.of_name(row.user_id))
    return QuotaPage(quotas=tuple(quota_view(each) for each in shown), next_cursor=following)


@router.put("/quotas/{user}")
async def set_quota(
    user: Annotated[UserId, Path()],
    _owner: Writer,
    state: State,
    body: Annotated[QuotaRequest, Depends(JsonBody(QuotaRequest, MAX_BODY_BYTES))],
) -> QuotaView:
    """Replace all limits of a user; they hold from the next call on, and what is spent stays spent."""
    return quota_view(await state.services.providers.quotas.set(user, body.limits))

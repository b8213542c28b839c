"""Versions: what is in production, what was, and the way back."""

from typing import Annotated

from fastapi import Depends

from activities.experiment_ports import VersionUnknown
from models.access import Action
from models.ids import ID
from models.version import RollbackRequest, Version, VersionPage
from starter.api import cursors, routing
from starter.api.auth import may
from starter.api.body import JsonBody
from starter.api.idempotency import SentKey
from starter.api.state import State

router = routing.router("versions")

Reader = Annotated[str, may(Action.VERSIONS_READ)]
Rollbacker = Annotated[str, may(Action.VERSIONS_ROLLBACK)]

MAX_BODY_BYTES = 4 * 1024


@router.get("/versions")
async def list_versions(
    _owner: Reader, state: State, cursor: cursors.Cursor = None, page_size: cursors.PageSize = 50
) -> VersionPage:
    """Configurations that are, or were, stable; newest first."""
    found = await state.services.versions.versions.page(cursors.moment_of(cursor), page_size + 1)
    shown, following = cursors.cut(found, page_size, lambda row: cursors.of_moment(row.promoted_at, row.id))
    return VersionPage(versions=tuple(shown), next_cursor=following)


@router.get("/versions/{version_id}")
async def read_version(version_id: str, _owner: Reader, state: State) -> Version:
    """One version by its id or number; `stable` is the one in production."""
    if version_id == "stable":
        return await state.services.versions.versions.current()
    number = version_id.isascii() and version_id.isdecimal() and len(version_id) <= 9
    if not number and not ID.match(version_id):
        raise VersionUnknown
    return await state.services.versions.versions.find(version_id)


@router.post("/versions/rollback")
async def roll_back(
    owner: Rollbacker,
    key: SentKey,
    state: State,
    body: Annotated[RollbackRequest, Depends(JsonBody(RollbackRequest, MAX_BODY_BYTES))],
) -> Version:
    """Make the version before the stable one stable again, at once: for operators. People approved it when it was
    promoted, so it takes no approval; the reason is on the audit chain.
    """
    return await state.services.versions.versions.rollback(body.reason, owner, body.from_version_id, key)

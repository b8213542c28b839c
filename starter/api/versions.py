"""Versions: what is in production, what was, and the way back."""

from fastapi import APIRouter, Request

from activities.experiment_ports import VersionUnknown
from models.ids import ID
from models.version import RollbackRequest, Version, VersionPage
from starter.api import cursors
from starter.api.auth import Caller
from starter.api.body import parsed
from starter.api.refusals import AuditedOperator
from starter.api.reviews import idempotency_key
from starter.api.state import State

router = APIRouter(tags=["versions"])

MAX_BODY_BYTES = 4 * 1024


@router.get("/versions")
async def list_versions(
    _owner: Caller, state: State, cursor: cursors.Cursor = None, page_size: cursors.PageSize = 50
) -> VersionPage:
    """Configurations that are, or were, stable; newest first."""
    found = await state.services.versions.versions.page(cursors.moment_of(cursor), page_size + 1)
    shown = found[:page_size]
    following = cursors.of_moment(shown[-1].promoted_at, shown[-1].id) if len(found) > page_size else None
    return VersionPage(versions=tuple(shown), next_cursor=following)


@router.get("/versions/{version_id}")
async def read_version(version_id: str, _owner: Caller, state: State) -> Version:
    """One version by its id or number; `stable` is the one in production."""
    if version_id == "stable":
        return await state.services.versions.versions.current()
    number = version_id.isascii() and version_id.isdecimal() and len(version_id) <= 9
    if not number and not ID.match(version_id):
        raise VersionUnknown
    return await state.services.versions.versions.find(version_id)


@router.post("/versions/rollback")
async def roll_back(request: Request, owner: AuditedOperator, state: State) -> Version:
    """Make the version before the stable one stable again, at once: for operators. People approved it when it was
    promoted, so it takes no approval; the reason is on the audit chain.
    """
    key = idempotency_key(request)
    body = await parsed(request, RollbackRequest, MAX_BODY_BYTES)
    return await state.services.versions.versions.rollback(body.reason, owner, body.from_version_id, key)

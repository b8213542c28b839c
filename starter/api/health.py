"""Is it alive, is it ready."""

from fastapi import APIRouter, Response
from sqlalchemy import text
from temporalio.service import RPCError

from activities.ports import StoreUnavailable
from models.wire import Wire
from starter.api.auth import OPEN
from starter.api.state import State

router = APIRouter(tags=["health"], dependencies=[OPEN])


class Alive(Wire):
    """The process answers."""

    status: str = "ok"


class Ready(Wire):
    """Which parts answer."""

    ready: bool
    parts: dict[str, str]
    """`ok` or `down`, by part."""


@router.get("/healthz")
async def alive() -> Alive:
    """Whether the process lives; says nothing of its parts."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Ready}})
async def ready(response: Response, state: State) -> Ready:
    """Whether the process can do its work, and which part is down if not."""
    parts = {"database": "ok", "temporal": "ok"}
    try:
        async with state.services.database.statements() as session:
            await session.execute(text("SELECT 1"))
    except StoreUnavailable:
        parts["database"] = "down"
    try:
        if not await state.services.temporal.service_client.check_health():
            parts["temporal"] = "down"
    except RPCError:
        parts["temporal"] = "down"
    good = all(part == "ok" for part in parts.values())
    if not good:
        response.status_code = 503
    return Ready(ready=good, parts=parts)

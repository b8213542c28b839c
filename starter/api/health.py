"""Is it alive, is it ready."""

from fastapi import APIRouter, Response

from models.readiness import Ready
from models.wire import Wire
from starter import parts_ready
from starter.api.auth import OPEN
from starter.api.state import State

router = APIRouter(tags=["health"], dependencies=[OPEN])


class Alive(Wire):
    """The process answers."""

    status: str = "ok"


@router.get("/healthz")
async def alive() -> Alive:
    """Whether the process lives; says nothing of its parts."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Ready}})
async def ready(response: Response, state: State) -> Ready:
    """Which parts answer; 503 when one is down that nothing can be accepted without."""
    found = await parts_ready.ready(state.services)
    if not found.ready:
        response.status_code = 503
    return found

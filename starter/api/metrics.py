"""The metrics page, in Prometheus's text format."""

import asyncio
from typing import cast

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from models.settings import Settings
from starter.api import routing
from starter.api.auth import OPEN, Unauthenticated, bearer, same_token
from starter.api.state import State
from starter.composition import Services
from starter.standing import Standing

router = APIRouter(tags=["health"], dependencies=[OPEN])

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def standing_of(services: Services) -> Standing:
    """The gauges; users are named where not everybody can read them."""
    settings = services.settings
    private = settings.metrics_token is not None or settings.api_host in LOOPBACK
    return Standing(services, with_users=private)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": routing.texts("text/plain")}, **routing.refuses(401, 503)},
)
async def metrics(request: Request, state: State) -> Response:
    """What this process has measured since it started, and how things stand just now."""
    settings: Settings = state.services.settings
    token = settings.metrics_token
    if token is not None and not same_token(bearer(request), token.get_secret_value()):
        raise Unauthenticated
    page = state.services.telemetry.page
    await cast(Standing, request.app.state.standing).refresh()
    # In a thread: the numbers of Temporal's SDK are asked for over a socket.
    text = await asyncio.to_thread(generate_latest, page or CollectorRegistry())
    return Response(text, media_type=CONTENT_TYPE_LATEST)

"""What all routes have in common: answers that are tagged, and POSTs that are carried out once."""

import hashlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from starter.api import idempotency

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

SECRET_ANSWER = {"x-secret-answer": True}
"""`openapi_extra` of a route whose answer holds a secret: an Idempotency-Key does not bring it back."""


class Route(APIRoute):
    """A route of the API."""

    def get_route_handler(self) -> Handler:
        """As FastAPI's, with an ETag on what is read and an answer that is kept of what is done."""
        handle = super().get_route_handler()
        methods = self.methods or ()
        if "POST" in methods:
            secret = bool((self.openapi_extra or {}).get("x-secret-answer"))
            return partial(_post, handle, secret)
        return partial(_get, handle) if "GET" in methods else handle


def router(tag: str, **options: Any) -> APIRouter:
    """A router of such routes.

    Args:
        tag: what they are about.
        options: of `APIRouter`.
    """
    return APIRouter(tags=[tag], route_class=Route, **options)


def refuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: statuses that what it does may have, besides those that all routes may have."""
    return {status: {} for status in statuses}


def texts(*kinds: str) -> dict[str, dict[str, Any]]:
    """`content` of an answer that comes in several media types; JSON has a model, the others are text or bytes."""
    plain = (kind.split(";")[0] for kind in kinds)
    return {
        kind: {"schema": {"type": "object" if kind.endswith("+json") else "string"}}
        for kind in plain
        if kind != "application/json"
    }


async def _post(handle: Handler, secret: bool, request: Request) -> Response:
    return await idempotency.answered(request, handle, secret=secret)


async def _get(handle: Handler, request: Request) -> Response:
    response = await handle(request)
    body = getattr(response, "body", None)
    if response.status_code != 200 or not isinstance(body, bytes):  # an answer that streams has no body yet
        return response
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if not _matches(request.headers.getlist("if-none-match"), tag):
        response.headers["ETag"] = tag
        return response
    return Response(status_code=304, headers={"ETag": tag})


def _matches(told: list[str], tag: str) -> bool:
    """Whether the reader has this: weak tags match too, as RFC 9110 wants it of If-None-Match."""
    known = {each.strip().removeprefix("W/") for line in told for each in line.split(",")}
    return tag in known or "*" in known

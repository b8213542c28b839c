"""The codec endpoint: lets the Temporal web UI and command line show payloads in clear to whoever has the token."""

import hmac
import logging
from typing import Any

from fastapi import APIRouter, Request, Response
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from temporalio.api.common.v1 import Payloads

from models.codec import PayloadUnreadable
from models.errors import InvalidInput
from starter.api.auth import Unauthenticated, bearer, same_token
from starter.api.state import State

router = APIRouter(tags=["codec"], include_in_schema=False)
log = logging.getLogger("conclave.codec")

COOKIE = "conclave_codec"
MAX_BODY_BYTES = 8 * 1024 * 1024


def allowed(request: Request, token: str | None) -> bool:
    """Whether a request carries the codec token: as bearer token or as the cookie of `/codec/session`."""
    if token is None:
        return False
    cookie = request.cookies.get(COOKIE)
    if cookie is not None:
        return same_token(cookie, token)
    try:
        return same_token(bearer(request), token)
    except InvalidInput:
        return False


def cross_origin(request: Request, ui_url: str | None) -> dict[str, str]:
    """Headers that let the configured web UI, and no other page, read the answer."""
    origin = request.headers.get("origin")
    if not origin or not ui_url or not hmac.compare_digest(origin.encode(), ui_url.rstrip("/").encode()):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "content-type, x-namespace, authorization",
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }


@router.options("/codec/{way}")
async def preflight(way: str, request: Request, state: State) -> Response:
    """The browser's question before it sends a payload."""
    return Response(status_code=204, headers=cross_origin(request, state.services.settings.temporal_ui_url))


@router.post("/codec/{way}")
async def translate(way: str, request: Request, state: State) -> Response:
    """Decode or encode a batch of payloads. Every decoding is noted in the log, without content."""
    headers = cross_origin(request, state.services.settings.temporal_ui_url)
    if way not in ("decode", "encode"):
        raise InvalidInput("not_found", "There is no such path.", 404)
    if not allowed(request, request.app.state.codec_token):
        raise Unauthenticated
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        raise InvalidInput("body_too_large", f"The body is over {MAX_BODY_BYTES} bytes; send less.", 413)
    try:
        payloads: Any = Parse(body, Payloads()).payloads
    except (ParseError, UnicodeDecodeError):
        raise InvalidInput("invalid_payloads", "The body is not a list of Temporal payloads.", 400) from None
    log.info("codec_%s payloads=%d", way, len(payloads))
    codec = state.services.codec
    try:
        done = await (codec.decode(payloads) if way == "decode" else codec.encode(payloads))
    except PayloadUnreadable:
        raise InvalidInput("payload_unreadable", "A payload was not encrypted by this installation.", 422) from None
    return Response(MessageToJson(Payloads(payloads=done)), media_type="application/json", headers=headers)


@router.get("/codec/session")
async def open_session(token: str, request: Request, state: State) -> Response:
    """Give this browser the codec cookie and send it to the web UI."""
    known = request.app.state.codec_token
    if known is None or not same_token(token[:512], known):
        raise Unauthenticated
    answer = Response(status_code=303, headers={"Location": state.services.settings.temporal_ui_url or "/healthz"})
    answer.set_cookie(COOKIE, known, httponly=True, samesite="strict", path="/codec")
    return answer

"""The codec endpoint: shows payloads in clear to the Temporal web UI and command line of whoever has a token."""

import hmac
import logging
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from temporalio.api.common.v1 import Payloads

from models.codec import PayloadUnreadable
from models.errors import InvalidInput
from starter.api.auth import OPEN, Unauthenticated, bearer, same_token
from starter.api.body import read_body
from starter.api.state import State
from starter.codec_token import web_ui_token

router = APIRouter(tags=["codec"], include_in_schema=False, dependencies=[OPEN])
log = logging.getLogger("conclave.codec")

MAX_BODY_BYTES = 8 * 1024 * 1024


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


@router.options("/codec/{token}/decode")
@router.options("/codec/decode")
async def preflight(request: Request, state: State) -> Response:
    """The browser's question before it sends a payload."""
    return Response(status_code=204, headers=cross_origin(request, state.services.settings.temporal_ui_url))


@router.post("/codec/{token}/decode")
async def decode_for_ui(token: str, request: Request, state: State) -> Response:
    """Decode for the web UI, whose token is in the address."""
    known = request.app.state.codec_token
    if known is None or not same_token(token[:512], web_ui_token(known)):
        raise Unauthenticated
    return await _translate("decode", request, state)


@router.post("/codec/decode")
async def decode(request: Request, state: State) -> Response:
    """Decode for a bearer of the codec token."""
    _require_bearer(request)
    return await _translate("decode", request, state)


@router.post("/codec/encode")
async def encode(request: Request, state: State) -> Response:
    """Encode for a bearer of the codec token."""
    _require_bearer(request)
    return await _translate("encode", request, state)


def _require_bearer(request: Request) -> None:
    known = request.app.state.codec_token
    if known is None or not same_token(bearer(request), known):
        raise Unauthenticated


async def _translate(way: Literal["decode", "encode"], request: Request, state: State) -> Response:
    """Decode or encode a batch of payloads; each is noted in the log, without content."""
    body = await read_body(request, MAX_BODY_BYTES)
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
    headers = cross_origin(request, state.services.settings.temporal_ui_url)
    return Response(MessageToJson(Payloads(payloads=done)), media_type="application/json", headers=headers)

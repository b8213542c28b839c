"""Idempotency-Key: every POST takes one; sent again with it, the same answer comes and nothing is done again."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, cast

from fastapi import Depends, Request, Response

from activities.idempotency_ports import Answers, Claim
from activities.ports import StoreUnavailable
from models.errors import InvalidInput
from models.idempotency import KeptAnswer, checked_idempotency_key, sent_request
from starter.api.state import ApiState

log = logging.getLogger("conclave.api")

KEPT_HEADERS = ("content-type", "content-disposition", "location")
REPLAYED = "Idempotent-Replayed"


class Answered(Exception):
    """What was asked for was done before; carries the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered")
        self.response = response


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key of a request; without one every request counts.

    Raises:
        InvalidInput: two of them, or one that is too long or not printable ASCII.
    """
    keys = request.headers.getlist("idempotency-key")
    if len(keys) > 1:
        raise InvalidInput("invalid_idempotency_key", "Send one Idempotency-Key header.", 400)
    return checked_idempotency_key(keys[0] if keys else None)


SentKey = Annotated[str | None, Depends(idempotency_key)]


async def claim(request: Request, caller: str, body: bytes, state: ApiState) -> None:
    """Take hold of a POST before it is carried out, if it has a key.

    Raises:
        Answered: it was carried out before.
        BodyDiffers: the key came before with another body.
        InProgress: another request with the key is being carried out.
        InvalidInput: `already_done`: it was, and the answer was a secret.
    """
    key = idempotency_key(request)
    if key is None:
        return
    found = await state.services.answers.claim(sent_request(caller, request.method, request.url.path, key, body))
    if isinstance(found, Claim):
        request.state.claim = found
    elif found.body is None:
        raise InvalidInput(
            "already_done", "This was done; its answer held a secret that was shown once and is not kept.", 409
        )
    else:
        raise Answered(Response(found.body, found.status, {**found.headers, REPLAYED: "true"}))


async def answered(
    request: Request, handle: Callable[[Request], Awaitable[Response]], *, secret: bool = False
) -> Response:
    """Carry a request out and keep what came of it; a refusal or a failure gives the key free again.

    Args:
        request: a POST.
        handle: carries it out.
        secret: whether the answer holds a secret: then only that it was given is kept.
    """
    try:
        response = await handle(request)
    except Answered as before:
        return before.response
    except BaseException:
        await _released(request)
        raise
    if response.status_code >= 300:
        await _released(request)
        return response
    held = _claim_of(request)
    if held is not None:
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        answer = KeptAnswer(response.status_code, headers, None if secret else bytes(response.body))
        try:
            await _answers(request).keep(held, answer)
        except StoreUnavailable:
            # It was done, and whoever asked is told so; asked again it is done again once the claim has run out.
            log.warning("idempotent_answer_not_kept")
    return response


async def _released(request: Request) -> None:
    held = _claim_of(request)
    if held is not None:
        with suppress(StoreUnavailable):
            await _answers(request).release(held)


def _claim_of(request: Request) -> Claim | None:
    return cast(Claim | None, getattr(request.state, "claim", None))


def _answers(request: Request) -> Answers:
    return cast(ApiState, request.app.state.conclave).services.answers

"""Reading a request's body: a cap while it streams, then JSON without the parts that mean two things."""

import asyncio
import json
from collections.abc import Callable
from math import isfinite
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Request
from pydantic import ValidationError

from models.errors import InvalidInput
from models.settings import Settings
from models.strict_json import holds_unstorable
from models.wire import Wire
from starter.api.auth import Known
from starter.api.idempotency import claim, idempotency_key
from starter.api.problems import problem_of
from starter.api.state import State

T = TypeVar("T", bound=Wire)


class ReadsBody:
    """What a dependency is an instance of that reads a body."""

    model: type[Wire] | None = None
    """None: it has to be empty."""


class JsonBody(ReadsBody, Generic[T]):
    """A dependency: the body as a model. It comes last of a route's, for a POST takes hold of its Idempotency-Key."""

    def __init__(self, model: type[T], limit: int | Callable[[Settings], int]) -> None:
        """Take bodies of this model, and this many bytes at most."""
        self.model = self._model = model
        self._limit = limit

    async def __call__(self, request: Request, who: Known, state: State) -> T:
        """Read it.

        Raises:
            InvalidInput: it is not that.
            Answered: the request was carried out before.
        """
        idempotency_key(request)
        limit = self._limit if isinstance(self._limit, int) else self._limit(state.services.settings)
        body = await read_body(request, limit)
        found = await asyncio.to_thread(parse, body, self._model)
        if request.method == "POST":
            await claim(request, who.name, body, state)
        return found


class Nothing(Wire):
    """A request that its address says all of."""


class _NoBody(ReadsBody):
    """A dependency: the body is empty, or an empty object."""

    async def __call__(self, request: Request, who: Known, state: State) -> None:
        idempotency_key(request)
        body = await _streamed(request, MAX_NOTHING_BYTES)
        if body:
            _check_kind(request)
            parse(body, Nothing)
        if request.method == "POST":
            await claim(request, who.name, b"", state)


MAX_NOTHING_BYTES = 1024
NoBody = Annotated[None, Depends(_NoBody())]


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body.

    Raises:
        InvalidInput: too large (before reading where the length is told), compressed, or not JSON by its type.
    """
    _check_kind(request)
    return await _streamed(request, limit)


def _check_kind(request: Request) -> None:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidInput("unsupported_media_type", "Send `Content-Type: application/json`.", 415)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise InvalidInput("unsupported_encoding", "Send the body without Content-Encoding.", 415)


async def _streamed(request: Request, limit: int) -> bytes:
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> InvalidInput:
    return InvalidInput("body_too_large", f"The body is over {limit} bytes; send less.", 413, limit=limit)


def parse(body: bytes, model: type[T]) -> T:
    """JSON bytes as a model: strict types, no duplicate keys, no NaN, no text that is not Unicode.

    Raises:
        InvalidInput: it is not that.
    """
    if not body:
        raise InvalidInput("body_required", "The body is empty; send a JSON object.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "invalid_utf8", f"The body is not UTF-8 from byte {error.start}.", 400, offset=error.start
        ) from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            "invalid_json", f"The body is not JSON from character {error.pos}.", 400, offset=error.pos
        ) from None
    except RecursionError:
        raise InvalidInput("invalid_json", "The body is nested too deeply.", 400) from None
    except ValueError as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput("invalid_number", "A number has too many digits.") from None
    if not isinstance(value, dict):
        raise InvalidInput("object_required", "The body must be a JSON object.")
    if "\\u" in text and holds_unstorable(value):  # only an escape can hide them in valid UTF-8
        raise InvalidInput("invalid_text", "A text of the body has a NUL or half a surrogate pair; leave it out.")
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> InvalidInput:
    problem = problem_of(error)
    return InvalidInput(problem.code, problem.message, 422, **problem.details)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise InvalidInput("duplicate_key", "An object of the body has one key twice.")
    return value


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise InvalidInput("invalid_number", "A number is too large.")
    return number


def _no_constant(_name: str) -> Any:
    raise InvalidInput("invalid_number", "NaN and Infinity are not JSON numbers.")

"""Reading a request's body: a cap while it streams, then JSON without the parts that mean two things."""

import asyncio
import json
from typing import Any, TypeVar

from fastapi import Request
from pydantic import ValidationError

from models.errors import InvalidInput
from models.wire import Wire
from starter.api.problems import problem_of

T = TypeVar("T", bound=Wire)


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body.

    Raises:
        InvalidInput: too large (before reading where the length is told), compressed, or not JSON by its type.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidInput("unsupported_media_type", "Send `Content-Type: application/json`.", 415)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise InvalidInput("unsupported_encoding", "Send the body without Content-Encoding.", 415)
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


async def parsed(request: Request, model: type[T], limit: int) -> T:
    """The body as a model.

    Raises:
        InvalidInput: it is not that.
    """
    body = await read_body(request, limit)
    return await asyncio.to_thread(parse, body, model)


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
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
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
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors(include_input=False)):
            raise InvalidInput("invalid_text", "The body has text that is not valid Unicode.") from None
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> InvalidInput:
    problem = problem_of(error)
    return InvalidInput(problem.code, problem.message, 422, **problem.details)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise InvalidInput("duplicate_key", "An object of the body has one key twice.")
    return value


def _no_constant(_name: str) -> Any:
    raise InvalidInput("invalid_number", "NaN and Infinity are not JSON numbers.")

"""Limits of requests: what is counted, and how an answer tells what is left."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from models.errors import InvalidInput
from models.rate import Rate, Room
from starter.api.problems import answer
from starter.api.state import State


class RateLimited(InvalidInput):
    """Too many requests.

    Attributes:
        wait_seconds: until another one is allowed.
    """

    def __init__(self, wait_seconds: int) -> None:
        message = f"Too many requests; wait {wait_seconds} s (docs/api.md says how many may come)."
        super().__init__("rate_limited", message, 429, retry_after_seconds=wait_seconds)
        self.wait_seconds = wait_seconds


async def limited(request: Request, state: State, kind: str, who: str, rate: Rate) -> None:
    """Count a request.

    Raises:
        RateLimited: it is one too many.
    """
    room = await state.access.rates.take(kind, who, rate)
    request.state.room = room
    if room is not None and not room.allowed:
        raise RateLimited(max(1, room.wait_seconds))


def rate_headers(request: Request) -> dict[str, str]:
    """What is left of the limit that a request counted towards."""
    room: Room | None = getattr(request.state, "room", None)
    if room is None:
        return {}
    return {
        "RateLimit-Limit": str(room.limit),
        "RateLimit-Remaining": str(room.left),
        "RateLimit-Reset": str(room.full_seconds),
    }


def install(app: FastAPI) -> None:
    """Tell clients when to come back."""

    @app.exception_handler(RateLimited)
    async def refused(_request: Request, error: RateLimited) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return answer(429, error.problem, {"Retry-After": str(error.wait_seconds)})

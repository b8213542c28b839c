"""What the API refuses when there is too much of it, and when to come back: 503 `busy`, 429 `too_many_reviews`."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from models.admission import TooManyReviews
from models.errors import Problem
from models.settings import Settings
from starter.api.problems import answer

ALWAYS_OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Who asks these has to know about a busy service most of all."""

BUSY_SECONDS = 1
"""A request takes a fraction of this; whoever comes back by then finds another situation."""

REVIEW_SECONDS = 10
"""Reviews take seconds."""

BUSY = Problem(
    code="busy",
    message="The service has more requests than it can work on at once. This one was not begun; send it again after "
    "the seconds of `Retry-After`.",
)


class Admission:
    """Lets so many requests in at once, and refuses the others before anything is done for them.

    Event streams stay open for as long as somebody watches, so they are counted by themselves.
    """

    def __init__(self, app: ASGIApp, *, requests: int, streams: int, headers: Mapping[str, str]) -> None:
        """Guard an application.

        Args:
            app: what answers those that are let in.
            requests: how many at once.
            streams: open event streams at once.
            headers: of every refusal.
        """
        self._app = app
        self._refusal = refusal(BUSY, 503, BUSY_SECONDS, headers)
        self._most = {False: requests, True: streams}
        self._inside = {False: 0, True: 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in ALWAYS_OPEN:
            await self._app(scope, receive, send)
            return
        stream = str(scope["path"]).endswith("/events")
        if self._inside[stream] >= self._most[stream]:
            await self._refusal(scope, receive, send)
            return
        self._inside[stream] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside[stream] -= 1


def refusal(problem: Problem, status: int, seconds: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A refusal that says when to come back."""
    return answer(status, problem, {"Retry-After": str(seconds), **(headers or {})})


def install(app: FastAPI, settings: Settings, headers: Mapping[str, str]) -> None:
    """Bound the requests at once, before anything else is done for them, and tell of reviews that are too many.

    Args:
        app: the application, complete but for this.
        settings: with the bounds.
        headers: of every answer, which nobody else sets here.
    """
    requests, streams = settings.api_requests_at_once, settings.api_streams_at_once
    app.add_middleware(Admission, requests=requests, streams=streams, headers=headers)

    @app.exception_handler(TooManyReviews)
    async def too_many(_request: Request, error: TooManyReviews) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        whose = "yours" if error.own else "everybody's"
        message = (
            f"{error.limit} reviews ({whose}) are unfinished, which is the most; nothing was saved. Wait for some "
        )
        problem = Problem(code="too_many_reviews", message=f"{message}to end.", details={"limit": error.limit})
        return refusal(problem, 429, REVIEW_SECONDS)

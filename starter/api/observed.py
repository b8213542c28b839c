"""Requests, measured and traced by the route's template: neither paths nor queries, which callers write.

The instrumentations that there are for FastAPI put both into their spans, so this is ours.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.metrics import HTTP_SECONDS, Measurement
from starter.telemetry import Telemetry

UNMATCHED = "unmatched"
TRACEPARENT = b"traceparent"
PROBED = ("/healthz", "/readyz", "/metrics")
"""Asked every few seconds by machines: measured, but no trace begins with them."""


class Observed:
    """ASGI middleware, the outermost one."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        with self._span(scope) as tell:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._note(scope, message["status"], perf_counter() - began)
                    tell(message["status"])
                await send(message)

            await self._app(scope, receive, noting)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        labels = {
            "http_request_method": scope["method"],
            "http_route": route_of(scope),
            "http_response_status_code": str(status),
        }
        self._telemetry.meters.note([Measurement(HTTP_SECONDS, seconds, labels)])

    @contextmanager
    def _span(self, scope: Scope) -> Generator[Any]:
        traces = self._telemetry.traces
        if traces is None or scope["path"] in PROBED:
            yield lambda _status: None  # pyright: ignore[reportUnknownLambdaType]
            return
        from opentelemetry.trace import SpanKind

        from activities.telemetry.spans import failed, parent_in

        with traces.span(scope["method"], SpanKind.SERVER, parent=parent_in(_traceparent(scope))) as span:

            def tell(status: int) -> None:
                route = route_of(scope)
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes(
                    {
                        "http.request.method": scope["method"],
                        "http.route": route,
                        "http.response.status_code": status,
                    }
                )
                if status >= 500:
                    failed(span, str(status))

            yield tell


def route_of(scope: Mapping[str, Any]) -> str:
    """The template of the route that took a request, such as `/reviews/{review_id}`."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))


def _traceparent(scope: Scope) -> dict[str, str]:
    found = [value for name, value in scope["headers"] if name == TRACEPARENT]
    return {"traceparent": found[0].decode("latin-1")} if len(found) == 1 else {}

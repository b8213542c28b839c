"""An httpx transport that connects only to addresses that were checked, and to no proxy."""

import logging
import ssl
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from time import monotonic
from typing import Any, cast

import httpcore
import httpx

from activities.llm.addresses import Resolver, pinned

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 4.0
"""Idle connections are closed before the usual servers do it (uvicorn, so vLLM: 5 s): one that closes while we write
leaves us not knowing whether the question arrived."""
_IDLE_CONNECTIONS = 200

_Place = tuple[bytes, bytes, int | None]


def _place(target: httpcore.URL) -> _Place:
    return target.scheme, target.host, target.port


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks every address, and connects to those very addresses.

    TLS is started by the pool on what this returns, with the name: certificate and SNI are checked against it.
    """

    def __init__(self, resolve: Resolver, loopback_allowed: bool) -> None:
        self._resolve, self._loopback_allowed = resolve, loopback_allowed
        self._plain = cast(httpcore.AsyncNetworkBackend, httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await pinned(host, port, self._resolve, self._loopback_allowed)
        deadline = monotonic() + (CONNECT_SECONDS if timeout is None else timeout)
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share = max(0.05, (deadline - monotonic()) / left)
            try:
                return await self._plain.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if left == 1:
                    raise
        raise httpcore.ConnectError

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol

    async def sleep(self, seconds: float) -> None:
        await self._plain.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response, done: Callable[[], Awaitable[None]]) -> None:
        self._response, self._done = response, done

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        async for part in self._response.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._response.aclose()
        await self._done()


class PinnedTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 without retries; idle connections are used again for the same scheme, host and port.

    httpcore's own pool looks at every connection for every request, system calls included; with 64 at once that costs
    more than the request. Here the one that was used last is taken, and only that one is looked at.

    Raises httpcore's exceptions.
    """

    def __init__(self, context: ssl.SSLContext, resolve: Resolver, loopback_allowed: bool) -> None:
        for name in ("httpx", "httpcore"):  # they log addresses and headers
            logging.getLogger(name).setLevel(logging.WARNING)
        self._context = context
        self._backend = PinnedBackend(resolve, loopback_allowed)
        self._idle: dict[_Place, deque[tuple[float, httpcore.AsyncHTTPConnection]]] = {}
        self._idle_count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        connection = await self._taken(target)
        extensions: dict[str, Any] = dict(request.extensions)
        content = cast(AsyncIterable[bytes], request.stream)
        asked = httpcore.Request(
            request.method, target, headers=request.headers.raw, content=content, extensions=extensions
        )
        # Whatever goes wrong from here on, the connection closes itself.
        response = await connection.handle_async_request(asked)
        body = _Body(response, lambda: self._given_back(target, connection))
        return httpx.Response(response.status, headers=response.headers, stream=body)

    async def aclose(self) -> None:
        await self._close_idle_since(float("inf"))

    async def _taken(self, target: httpcore.URL) -> httpcore.AsyncHTTPConnection:
        await self._close_idle_since(monotonic() - IDLE_SECONDS)
        waiting = self._idle.get(_place(target))
        while waiting:
            _, connection = waiting.pop()
            self._idle_count -= 1
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(
            target.origin, ssl_context=self._context, keepalive_expiry=IDLE_SECONDS, network_backend=self._backend
        )

    async def _given_back(self, target: httpcore.URL, connection: httpcore.AsyncHTTPConnection) -> None:
        if connection.is_idle() and self._idle_count < _IDLE_CONNECTIONS:
            self._idle_count += 1
            self._idle.setdefault(_place(target), deque()).append((monotonic(), connection))
        else:
            await connection.aclose()

    async def _close_idle_since(self, moment: float) -> None:
        for place, waiting in list(self._idle.items()):
            while waiting and waiting[0][0] <= moment:
                _, connection = waiting.popleft()
                self._idle_count -= 1
                await connection.aclose()
            if not waiting:
                self._idle.pop(place, None)


def strict_tls() -> ssl.SSLContext:
    """TLS 1.2 at least, certificates and names checked, nothing taken from the environment."""
    context = httpx.create_ssl_context(verify=True, trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python takes this one from the environment all the same, and would write session keys there.
    context.keylog_filename = None  # pyright: ignore[reportAttributeAccessIssue]
    return context

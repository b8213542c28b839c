"""One bounded HTTP exchange: a total deadline, a cap on the answer, and how far the request got when it fails."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import perf_counter
from typing import Any

import httpcore
import httpx

from activities.llm.addresses import Resolver, system_resolver
from activities.llm.transport import CONNECT_SECONDS, PinnedTransport, strict_tls
from activities.provider_ports import CallFailed
from models.call import Billing, CallFailure

LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes of an answer; more is not read."""
LARGEST_ERROR = 256 * 1024
"""Bytes of an error's body; a longer one counts as none."""
ERROR_SECONDS = 5.0
"""Time for the body of an error: its status already says the most."""


class HiddenBytes(bytes):
    """A header's value that no representation shows."""

    def __repr__(self) -> str:
        return "b'[hidden]'"

    __str__ = __repr__


def bearer(key: bytearray) -> tuple[bytes, bytes]:
    """The header that carries a key, for one request. Its bytes cannot be wiped; they go when the request goes."""
    return b"authorization", HiddenBytes(b"Bearer " + key)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    """Of an error: empty when it could not be read."""
    latency_ms: int


@dataclass(slots=True)
class _Progress:
    """How far a request got."""

    sent: bool = False
    """Whether it may have left us, in part at least."""

    async def trace(self, event: str, _: Mapping[str, Any]) -> None:
        if event == "http11.send_request_headers.started":
            self.sent = True

    @property
    def billing(self) -> Billing:
        return Billing.UNKNOWN if self.sent else Billing.FREE

    def failed(self, failure: CallFailure) -> CallFailed:
        return CallFailed(failure, self.billing)


class BoundedHttp:
    """Requests that cannot be led elsewhere and cannot last: no redirects, proxies, cookies, encodings or retries."""

    def __init__(
        self,
        *,
        loopback_allowed: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolver = system_resolver,
    ) -> None:
        """Nothing is connected yet.

        Args:
            loopback_allowed: whether `localhost`, 127.0.0.0/8 and ::1 may be connected to.
            ssl_context: with an authority of one's own; None: the usual ones.
            resolve: instead of the machine's resolver.
        """
        # A jar that takes no cookie: what a provider sets in one user's call would go out with another's.
        jar = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.AsyncClient(
            transport=PinnedTransport(ssl_context or strict_tls(), resolve, loopback_allowed),
            headers={"user-agent": "conclave", "accept": "application/json", "accept-encoding": "identity"},
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            cookies=jar,
            follow_redirects=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def exchange(
        self,
        method: str,
        url: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes | None,
        timeout_seconds: float,
    ) -> Exchange:
        """Send one request and read its answer, whatever its status.

        Args:
            method: of HTTP.
            url: whole; already checked.
            headers: raw; the usual ones are added.
            body: JSON, or None.
            timeout_seconds: for everything together.

        Raises:
            CallFailed: no whole answer within the bounds; `billing` says whether the request may have left us.
        """
        progress = _Progress()
        started = perf_counter()
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._exchange(method, url, headers, body, progress, started)
        except TimeoutError:
            raise progress.failed(CallFailure.TIMEOUT) from None
        except CallFailed as failed:
            raise failed from None  # nothing of the request in its context
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise progress.failed(_meaning(error, progress.sent)) from None
        except (httpx.InvalidURL, httpx.HTTPError, httpcore.UnsupportedProtocol, ValueError):
            raise progress.failed(CallFailure.INVALID_REQUEST) from None

    async def _exchange(
        self,
        method: str,
        url: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes | None,
        progress: _Progress,
        started: float,
    ) -> Exchange:
        if body is not None:
            headers = [*headers, (b"content-type", b"application/json")]
        request = self._client.build_request(
            method, url, headers=headers, content=body, extensions={"trace": progress.trace}
        )
        response = await self._client.send(request, stream=True)
        try:
            whole = await _read(response)
        finally:
            await response.aclose()
        heads = {name.lower(): value for name, value in response.headers.items()}
        return Exchange(response.status_code, heads, whole, round((perf_counter() - started) * 1_000))


async def _read(response: httpx.Response) -> bytes:
    if response.status_code == 200:
        return await _capped(response, LARGEST_ANSWER)
    try:
        async with asyncio.timeout(ERROR_SECONDS):
            return await _capped(response, LARGEST_ERROR)
    except (CallFailed, TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        return b""


async def _capped(response: httpx.Response, limit: int) -> bytes:
    # Asked for none, so an encoded answer is a mistake or a bomb; it is never decoded.
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise CallFailed(CallFailure.BAD_RESPONSE, Billing.UNKNOWN, http_status=response.status_code)
    too_large = CallFailed(CallFailure.RESPONSE_TOO_LARGE, Billing.UNKNOWN, http_status=response.status_code)
    length = response.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 20 and int(length) > limit:
        raise too_large
    parts = bytearray()
    async for part in response.aiter_raw():
        parts += part
        if len(parts) > limit:
            raise too_large
    return bytes(parts)


def _meaning(error: Exception, sent: bool) -> CallFailure:
    """Of a connection that failed."""
    cause: BaseException | None = error
    while cause is not None and not sent:
        if isinstance(cause, ssl.SSLError):
            return CallFailure.TLS_FAILED
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpcore.LocalProtocolError):
        return CallFailure.INVALID_REQUEST
    # The other side spoke, but not HTTP, or stopped in the middle.
    return CallFailure.BAD_RESPONSE if isinstance(error, httpcore.RemoteProtocolError) else CallFailure.UNREACHABLE

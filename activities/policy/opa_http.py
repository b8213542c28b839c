"""One bounded exchange with an OPA server."""

import asyncio
import ssl
from functools import cached_property

import httpx
from pydantic import SecretStr

from activities.experiment_ports import PolicyMalformed, PolicyUnavailable

LARGEST_ANSWER = 64 * 1024
"""Bytes; a decision has some 2,000."""
TRIES = 3
PAUSE_SECONDS = 0.05
"""Before the second try; twice that before the third."""


class OpaHttp:
    """Requests to one server: no redirects, no proxies, no encodings, each with a deadline for everything together."""

    def __init__(self, url: str, token: SecretStr | None = None) -> None:
        """Nothing is connected yet.

        Args:
            url: of the server, with a path in front of its API if it has one.
            token: for OPA's `--authentication=token`.
        """
        self._url = url.rstrip("/")
        self._token = token

    # Some 20 ms, once, and not of a request's time.
    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context(trust_env=False)

    async def exchange(self, method: str, path: str, content_type: str, body: bytes, seconds: float) -> bytes:
        """The body of a 200; up to three tries, each of `seconds`, while there is none.

        Raises:
            PolicyUnavailable: refused, too slow, overloaded or broken, every time.
            PolicyMalformed: any other answer, or too long a one; that does not change by asking again.
        """
        headers = {"content-type": content_type, "accept-encoding": "identity"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token.get_secret_value()}"
        tls = self._tls
        for attempt in range(1, TRIES + 1):
            try:
                async with asyncio.timeout(seconds):
                    return await self._once(tls, method, path, headers, body)
            except (PolicyUnavailable, TimeoutError, httpx.TransportError):
                if attempt < TRIES:
                    await asyncio.sleep(PAUSE_SECONDS * attempt)
            except httpx.HTTPError:
                raise PolicyMalformed from None
        raise PolicyUnavailable

    async def _once(self, tls: ssl.SSLContext, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        # A client for each: an experiment is gated once, and idle connections die between.
        async with (
            httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=None) as client,
            client.stream(method, self._url + path, headers=headers, content=body) as response,
        ):
            if response.status_code >= 500 or response.status_code == 429:
                raise PolicyUnavailable
            if response.status_code != 200 or "content-encoding" in response.headers:
                raise PolicyMalformed
            whole = bytearray()
            async for part in response.aiter_raw():
                whole += part
                if len(whole) > LARGEST_ANSWER:
                    raise PolicyMalformed
            return bytes(whole)

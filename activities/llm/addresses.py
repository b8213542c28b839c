"""From a provider's host name to the addresses that may be connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from activities.provider_ports import CallFailed
from models.address import is_loopback, is_public, parsed
from models.call import CallFailure
from models.endpoint import names_loopback
from models.errors import InvalidInput

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Host name and port to IP addresses as text, best first. Raises OSError."""

RESOLVE_SECONDS = 5.0


async def system_resolver(host: str, port: int) -> list[str]:
    """What the machine's own resolver says."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def pinned(host: str, port: int, resolve: Resolver, loopback_allowed: bool) -> list[str]:
    """Addresses to connect to, resolved once.

    Every answer must be allowed, not only the one that is used: a name with one private address is an attack or a
    mistake. Loopback needs a name that says so, even where it is allowed.

    Raises:
        CallFailed: `provider_dns` or `address_not_allowed`; nothing was sent.
    """
    literal = parsed(host)
    if literal is not None:
        found = [str(literal)]
    else:
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = list(dict.fromkeys(await resolve(host, port)))
        except (OSError, UnicodeError):  # TimeoutError is an OSError
            raise CallFailed(CallFailure.DNS_FAILED) from None
    if not found:
        raise CallFailed(CallFailure.DNS_FAILED)
    local = loopback_allowed and names_loopback(host)
    for text in found:
        address = parsed(text)
        if address is None or not (is_loopback(address) if local else is_public(address)):
            raise CallFailed(CallFailure.ADDRESS_NOT_ALLOWED)
    return found


async def check_resolves(endpoint: str, loopback_allowed: bool = False, resolve: Resolver = system_resolver) -> None:
    """Refuse an endpoint whose name does not resolve, or resolves to where no provider may be.

    For the moment it is saved; each connection is checked again.

    Args:
        endpoint: as `checked_endpoint` returns it.
        loopback_allowed: whether the loopback's own names may resolve to it.
        resolve: instead of the machine's resolver.

    Raises:
        InvalidInput: `dns_failed` or `address_not_allowed`.
    """
    split = urlsplit(endpoint)
    port = split.port or (443 if split.scheme == "https" else 80)
    try:
        await pinned(split.hostname or "", port, resolve, loopback_allowed)
    except CallFailed as failed:
        if failed.failure is CallFailure.DNS_FAILED:
            message = "The endpoint's host name does not resolve: check its spelling."
            raise InvalidInput("dns_failed", message) from None
        message = "The endpoint's host name must resolve to addresses on the public internet only."
        raise InvalidInput("address_not_allowed", message) from None

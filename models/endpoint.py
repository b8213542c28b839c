"""Where a provider may be: the part that can be decided from the text of its address alone."""

import re
from urllib.parse import SplitResult, urlsplit

import idna

from models.address import is_loopback, is_public, parsed
from models.errors import InvalidInput

LONGEST_ENDPOINT = 300
LOOPBACK_NAMES = frozenset({"localhost"})
_LOCAL_SUFFIXES = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa", "corp", "private")
_PORT_OF_SCHEME = {"https": 443, "http": 80}
_LOWEST_FREE_PORT = 1024
"""Below it are the well-known services: mail, SSH, databases of old."""
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def checked_endpoint(text: str, loopback_allowed: bool = False) -> str:
    """The address of a provider, normalised: scheme, host in punycode, port unless it is the scheme's own, path.

    Only https, a public host, port 443 or one from 1024 on, and a plain path. What names resolve to is checked when
    they are resolved.

    Args:
        text: as a person wrote it.
        loopback_allowed: then `http://` and the loopback are taken as well, and http only there.

    Raises:
        InvalidInput: `invalid_endpoint`, `https_required`, `address_not_allowed` or `port_not_allowed`.
    """
    split = _split(text)
    if split.scheme not in _PORT_OF_SCHEME:
        raise _https_required()
    host = _host(split)
    on_loopback = loopback_allowed and names_loopback(host)
    if split.scheme == "http" and not on_loopback:
        raise _https_required() if not names_loopback(host) else _not_allowed()
    if not on_loopback:
        _check_public(host)
    port = _port(split)
    shown = f"[{host}]" if ":" in host else host
    place = "" if port is None or port == _PORT_OF_SCHEME[split.scheme] else f":{port}"
    path = split.path.rstrip("/")
    if not _PATH.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
        raise _invalid("its path may have letters, digits and . _ ~ - between single slashes")
    return f"{split.scheme}://{shown}{place}{path}"


def names_loopback(host: str) -> bool:
    """Whether a normalised host means this machine by its text alone."""
    address = parsed(host)
    return host in LOOPBACK_NAMES if address is None else is_loopback(address)


def _split(text: str) -> SplitResult:
    if len(text) > LONGEST_ENDPOINT:
        raise _invalid(f"it may have at most {LONGEST_ENDPOINT} characters")
    if any(character.isspace() or not character.isprintable() or character in "\\%?#" for character in text):
        raise _invalid("it must be without blanks, controls, backslash, percent sign, query and fragment")
    try:
        split = urlsplit(text)
        netloc, _ = split.netloc, split.port
    except ValueError as error:
        if "port" in str(error).lower():
            raise _port_not_allowed() from None
        raise _invalid("it cannot be read as an address") from None
    if "@" in netloc:
        raise _invalid("it must be without user name and password")
    return split


def _host(split: SplitResult) -> str:
    """Lower case, punycode, or a canonical IP address without brackets."""
    host = split.hostname
    if not host:
        raise _invalid("it must be like https://host/path")
    if "[" in split.netloc:
        address = parsed(host)
        if address is None:
            raise _invalid("its IP address cannot be read")
        return str(address)
    try:
        # UTS 46 maps look-alike digits and dots to plain ones, so that the rules for numbers see them.
        return idna.encode(host, uts46=True).decode("ascii").lower().removesuffix(".")
    except idna.IDNAError:
        raise _invalid("its host name is none") from None


def _check_public(host: str) -> None:
    address = parsed(host)
    if address is not None:
        if not is_public(address):
            raise _not_allowed()
        return
    # Resolvers take 127.1, 0x7f.1 and 2130706433 for addresses; no public name ends in a number.
    if _NUMERIC_LABEL.fullmatch(host.rsplit(".", 1)[-1]):
        raise _not_allowed()
    if "." not in host or host.endswith(tuple(f".{suffix}" for suffix in _LOCAL_SUFFIXES)):
        raise _not_allowed()


def _port(split: SplitResult) -> int | None:
    port = split.port
    if port is None:
        if split.netloc.endswith(":"):
            raise _invalid("its port is missing")
        return None
    if port < _LOWEST_FREE_PORT and port not in (443, _PORT_OF_SCHEME[split.scheme]):
        raise _port_not_allowed()
    return port


def _invalid(why: str) -> InvalidInput:
    return InvalidInput("invalid_endpoint", f"The endpoint is not accepted: {why}.")


def _https_required() -> InvalidInput:
    return InvalidInput("https_required", "The endpoint must begin with https://.")


def _not_allowed() -> InvalidInput:
    message = (
        "The endpoint must be on the public internet: loopback, private, link-local and special addresses are not."
    )
    return InvalidInput("address_not_allowed", message)


def _port_not_allowed() -> InvalidInput:
    return InvalidInput("port_not_allowed", "The endpoint's port must be 443, or from 1024 to 65535.")

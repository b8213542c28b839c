"""Idempotency: a POST that is sent again with the same key is answered again, not done again."""

import hashlib
import hmac
from dataclasses import dataclass

from models.errors import InvalidInput

MAX_KEY_LENGTH = 255
KEPT_DAYS = 7
"""How long an answer is kept."""
LEASE_SECONDS = 120
"""How long a request may hold its key without an answer: whoever died over it has lost it then."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One request with a key, in digests: neither the key nor the body can be read from them."""

    id: str
    """Of caller, method, path and key: 64 hexadecimal digits."""
    body: str
    """Of the body, made with the key: 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: bytes | None
    """None: it held a secret, and was not kept."""


def checked_idempotency_key(key: str | None) -> str | None:
    """The key of a request, which may have none.

    Raises:
        InvalidInput: `invalid_idempotency_key`.
    """
    if key is not None and (not key or len(key) > MAX_KEY_LENGTH or not (key.isascii() and key.isprintable())):
        raise InvalidInput(
            "invalid_idempotency_key", f"Idempotency-Key takes 1 to {MAX_KEY_LENGTH} printable ASCII characters.", 400
        )
    return key


def sent_request(caller: str, method: str, path: str, key: str, body: bytes) -> SentRequest:
    """A request as it is remembered. The body may hold a secret, so its digest takes the key to make."""
    parts = "".join(f"{len(part)}:{part}" for part in (caller, method, path, key))
    name = hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()
    return SentRequest(id=name, body=hmac.digest(key.encode(), body, "sha256").hex())

"""Keys of model providers: what may be stored as one, and what its ciphertext is bound to."""

import hashlib
from typing import Literal

from pydantic import Field

from models.errors import InvalidInput
from models.wire import Wire

MAX_KEY_CHARACTERS = 512
LAST_FOUR_FROM = 12
"""Shorter keys show nothing of themselves: four characters would be too much of them."""

ALGORITHM = "AES-256-GCM/HKDF-SHA256/1"
"""How keys are encrypted; changes with the format of `activities/keys/envelope.py`."""

LENGTH_BYTES = 4
_VISIBLE = range(0x21, 0x7F)


class KeyBinding(Wire):
    """What one version of one key belongs to: under any other of these values it does not decrypt."""

    purpose: Literal["provider-key"] = "provider-key"
    owner: str
    provider_id: str
    endpoint: str
    """The only address the key may be sent to."""
    key_id: str
    version: int = Field(ge=1)
    algorithm: str = ALGORITHM

    @property
    def associated_data(self) -> bytes:
        """Every field, for the cipher to authenticate."""
        parts = (
            self.purpose,
            self.owner,
            self.provider_id,
            self.endpoint,
            self.key_id,
            str(self.version),
            self.algorithm,
        )
        return length_prefixed(parts)

    @property
    def context(self) -> str:
        """The same for the key service, which logs it in clear: a digest tells nobody who the owner is.

        The key's random id takes part in it, so the digest cannot be found by guessing owners either.
        """
        return f"conclave/provider-key/v1/{hashlib.sha256(self.associated_data).hexdigest()}"


def length_prefixed(parts: tuple[str, ...]) -> bytes:
    """Texts as bytes, each behind its length (4 bytes, big-endian): no two tuples give the same bytes."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(LENGTH_BYTES, "big") + part for part in encoded)


def checked_key(key: str | bytes | bytearray) -> bytearray:
    """A key as it came from a person, in a buffer that can be wiped.

    Args:
        key: without the line break that a terminal or a file puts behind it.

    Raises:
        InvalidInput: `invalid_key_format`, with what is wrong and nothing of the key.
    """
    try:
        checked = bytearray(key, "ascii") if isinstance(key, str) else bytearray(key)
    except UnicodeEncodeError:
        fault = "not_ascii"
    else:
        fault = _fault(checked)
        if fault is None:
            return checked
        checked[:] = bytes(len(checked))
    raise InvalidInput("invalid_key_format", f"The key {_FAULTS[fault]}.", field="key", hint=fault)


_FAULTS = {
    "empty": "is empty; send the key that the provider gave you",
    "too_long": f"is longer than {MAX_KEY_CHARACTERS} characters; is it a file?",
    "not_ascii": "has characters outside ASCII; copy it again from the provider",
    "json": "looks like JSON or is in quotes; send the bare key",
    "url": "looks like a URL; send the bare key, the address belongs to the provider",
    "blank": "contains spaces, line breaks or control characters; send the bare key",
}
"""What can be wrong, and the way out."""


def _fault(key: bytearray) -> str | None:
    if not key:
        return "empty"
    if len(key) > MAX_KEY_CHARACTERS:
        return "too_long"
    if any(byte > 0x7F for byte in key):
        return "not_ascii"
    if key[0] in b"{[\"'":
        return "json"
    if b"://" in key:
        return "url"
    return None if all(byte in _VISIBLE for byte in key) else "blank"


def last_four(key: bytearray) -> str:
    """What may be shown of a key: its last four characters, or nothing when it is short."""
    return key[-4:].decode("ascii") if len(key) >= LAST_FOUR_FROM else ""

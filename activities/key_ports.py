"""What encrypting keys needs from the world, and how it may fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from models.key import KeyBinding

DATA_KEY_BYTES = 32


class Refusal(StrEnum):
    """Why a key service does not do what it was asked, however often it is asked."""

    DENIED = "denied"
    """The token or role may not do this, or is no longer valid."""
    DISABLED = "disabled"
    """The wrapping key is disabled, deleted, or waits for its deletion."""
    UNKNOWN_KEY = "unknown_key"
    """There is no such wrapping key, or no such key service."""
    TOO_OLD = "too_old"
    """Wrapped by a version of the wrapping key that opens nothing any more."""
    MISMATCH = "mismatch"
    """Changed, or wrapped for something else."""


class KeyServiceRefused(Exception):
    """The key service refuses; asking again cannot help.

    Attributes:
        refusal: why.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class DataKey:
    """A fresh data key. Whoever asked for it wipes `clear`."""

    clear: bytearray
    """32 bytes."""
    wrapped: str


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A wrapped data key and what it was wrapped for."""

    wrapped: str
    context: str


class KeyService(Protocol):
    """A service that makes data keys, wraps them for a context, and opens them for the same context only.

    Contexts are ASCII and opaque: key services log them. All methods block, and raise KeyServiceUnavailable when the
    service cannot be reached, is sealed or answers nonsense, and KeyServiceRefused when it says no.
    """

    @property
    def name(self) -> str:
        """What is stored beside keys that it wrapped, at most 20 characters."""
        ...

    def generate(self, context: str) -> DataKey:
        """A new data key."""
        ...

    def unwrap(self, wrapped: str, context: str) -> bytearray:
        """A data key in clear, 32 bytes; whoever asked wipes it."""
        ...

    def rewrap(self, keys: Sequence[Wrapped]) -> list[str | KeyServiceRefused]:
        """The same data keys under the newest wrapping key, or why not; one answer per key, in order."""
        ...

    def newest(self) -> str:
        """What every key that is wrapped now begins with; empty where wrapped keys do not tell their version."""
        ...


class KeyOperator(Protocol):
    """What only an operator may do with a wrapping key. Blocks and fails as a KeyService does."""

    def rotate(self) -> None:
        """Make a new version; the older ones still open what they wrapped."""
        ...

    def retire(self, mark: str) -> None:
        """Let versions older than that of `mark` open nothing any more."""
        ...


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key as it is stored."""

    ciphertext: bytes
    wrapped: str
    service: str
    """Name of the key service that wrapped the data key."""


class KeySealer(Protocol):
    """Encrypts keys for a binding and opens them for the same binding only. Both methods block.

    Both raise KeyServiceUnavailable and KeyServiceRefused.
    """

    def seal(self, key: bytearray, binding: KeyBinding) -> SealedKey:
        """Encrypt a key under a fresh data key; `key` stays as it is."""
        ...

    def open(self, sealed: SealedKey, binding: KeyBinding) -> bytearray:
        """A key in clear; whoever asked wipes it.

        Raises:
            KeyUnreadable: changed, or sealed for another binding.
        """
        ...


@dataclass(frozen=True, slots=True)
class WrappedRow:
    """A stored wrapped data key."""

    id: str
    key: Wrapped


class WrappedRows(Protocol):
    """Where the wrapped data keys of one ring are stored. Every method raises StoreUnavailable."""

    async def page(self, mark: str, after: str, size: int) -> list[WrappedRow]:
        """The next rows by id whose key does not begin with `mark`; all rows when it is empty."""
        ...

    async def replace(self, row: WrappedRow, wrapped: str) -> bool:
        """Store a key wrapped anew, unless the row was changed since it was read; returns whether it was stored."""
        ...

    async def behind(self, mark: str) -> int:
        """How many rows have a key that does not begin with `mark`; 0 when it is empty."""
        ...

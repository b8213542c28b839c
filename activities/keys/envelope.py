"""Encryption of one secret under one data key: AES-256-GCM that commits to its key.

    format (1) | commitment (32) | nonce (12) | ciphertext and tag (length of the secret + 16)

The data key is never used itself. HKDF-SHA256 makes two keys of it: one encrypts, the other is stored as a commitment.
GCM alone lets one ciphertext open under several keys, which whoever could choose data keys might use; the AWS
Encryption SDK's default suite commits for the same reason. Each data key seals once, so no nonce is used twice with it.
"""

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from activities.key_ports import DATA_KEY_BYTES
from activities.keys.wiping import wipe

FORMAT = 1
COMMITMENT_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
HEAD_BYTES = 1 + COMMITMENT_BYTES + NONCE_BYTES
KEYS_INFO = b"conclave/envelope/1"


class EnvelopeUnreadable(Exception):
    """Changed, cut, of another format, or sealed under another key or for something else."""


def seal(plaintext: bytearray, key: bytearray, associated_data: bytes) -> bytes:
    """Encrypt a secret.

    Args:
        plaintext: the secret; not changed.
        key: a data key that was never used to seal anything; not changed.
        associated_data: what the secret belongs to.
    """
    derived, sealed = _derived(key), bytearray(HEAD_BYTES + len(plaintext) + TAG_BYTES)
    parts = memoryview(sealed)
    try:
        nonce = os.urandom(NONCE_BYTES)
        parts[0] = FORMAT
        parts[1 : 1 + COMMITMENT_BYTES] = memoryview(derived)[DATA_KEY_BYTES:]
        parts[1 + COMMITMENT_BYTES : HEAD_BYTES] = nonce
        AESGCM(memoryview(derived)[:DATA_KEY_BYTES]).encrypt_into(nonce, plaintext, associated_data, parts[HEAD_BYTES:])
        return bytes(sealed)
    finally:
        wipe(derived)


def plaintext_length(sealed: bytes) -> int:
    """Bytes of the secret inside.

    Raises:
        EnvelopeUnreadable: too short to be an envelope.
    """
    length = len(sealed) - HEAD_BYTES - TAG_BYTES
    if length < 0:
        raise EnvelopeUnreadable
    return length


def open_into(sealed: bytes, key: bytearray, associated_data: bytes, buffer: bytearray) -> None:
    """Decrypt a secret into a buffer of `plaintext_length` bytes; on any failure the buffer is zeros.

    Raises:
        EnvelopeUnreadable: it does not open.
    """
    plaintext_length(sealed)
    derived, parts = _derived(key), memoryview(sealed)
    commitment, nonce = parts[1 : 1 + COMMITMENT_BYTES], parts[1 + COMMITMENT_BYTES : HEAD_BYTES]
    try:
        if sealed[0] != FORMAT or not hmac.compare_digest(commitment, memoryview(derived)[DATA_KEY_BYTES:]):
            raise EnvelopeUnreadable
        cipher = AESGCM(memoryview(derived)[:DATA_KEY_BYTES])
        cipher.decrypt_into(nonce, parts[HEAD_BYTES:], associated_data, buffer)
    except (InvalidTag, ValueError):
        wipe(buffer)
        raise EnvelopeUnreadable from None
    finally:
        wipe(derived)


def _derived(key: bytearray) -> bytearray:
    """The encrypting key, then the commitment."""
    if len(key) != DATA_KEY_BYTES:
        raise EnvelopeUnreadable
    derived = bytearray(DATA_KEY_BYTES + COMMITMENT_BYTES)
    HKDF(SHA256(), len(derived), salt=None, info=KEYS_INFO).derive_into(key, derived)
    return derived

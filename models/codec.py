"""How payloads look on the wire to Temporal: pydantic JSON, encrypted; failures without text in clear."""

import dataclasses
import os
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)

ENCODING = b"binary/encrypted"
NONCE_BYTES = 12


class PayloadUnreadable(Exception):
    """A payload cannot be decrypted: its key is not in the ring, or it was changed."""


class AesGcmCodec(PayloadCodec):
    """AES-256-GCM with a fresh nonce per payload; the key's id travels beside it and is authenticated."""

    def __init__(self, keys: Mapping[str, bytes], active: str) -> None:
        """Take a ring of keys.

        Args:
            keys: 32 bytes each, by key id.
            active: id of the key that encrypts; the others only decrypt.
        """
        self._ciphers = {kid: AESGCM(key) for kid, key in keys.items()}
        self._active = active

    def seal(self, data: bytes, purpose: bytes) -> bytes:
        """Encrypt bytes for our own stores; `purpose` must be the same when they are opened."""
        sealed = self._encrypt(Payload(metadata={"purpose": purpose}, data=data))
        return sealed.SerializeToString()

    def unseal(self, sealed: bytes, purpose: bytes) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            PayloadUnreadable: its key is not in the ring, it was changed, or it was sealed for another purpose.
        """
        try:
            payload = Payload.FromString(sealed)
        except DecodeError:
            raise PayloadUnreadable("payload_changed") from None
        if payload.metadata.get("encoding") != ENCODING:
            raise PayloadUnreadable("payload_changed")
        opened = self._decrypt(payload)
        if opened.metadata.get("purpose") != purpose:
            raise PayloadUnreadable("payload_changed")
        return opened.data

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        kid = self._active.encode()
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._active].encrypt(nonce, payload.SerializeToString(), kid)
        return Payload(metadata={"encoding": ENCODING, "encryption-key-id": kid}, data=nonce + sealed)

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        kid = payload.metadata.get("encryption-key-id", b"")
        cipher = self._ciphers.get(kid.decode(errors="replace"))
        if cipher is None:
            raise PayloadUnreadable("payload_key_unknown")
        try:
            opened = cipher.decrypt(payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:], kid)
        except (InvalidTag, ValueError):
            raise PayloadUnreadable("payload_changed") from None
        return Payload.FromString(opened)


def encrypted_converter(codec: PayloadCodec) -> DataConverter:
    """Pydantic models inside, ciphertext outside; failure messages and stack traces are payloads too."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=codec,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )

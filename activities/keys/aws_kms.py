"""Data keys from AWS KMS. Needs the `aws` extra; it is imported when a client is made."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from activities.key_ports import DATA_KEY_BYTES, DataKey, KeyServiceRefused, Refusal, Wrapped
from activities.ports import KeyServiceUnavailable

CONNECT_SECONDS = 5
READ_SECONDS = 10
CONTEXT_KEY = "conclave"
"""Name of our one entry in the encryption context, which CloudTrail shows in clear."""

REFUSALS = {
    "AccessDeniedException": Refusal.DENIED,
    "UnrecognizedClientException": Refusal.DENIED,
    "InvalidClientTokenId": Refusal.DENIED,
    "ExpiredTokenException": Refusal.DENIED,
    "InvalidSignatureException": Refusal.DENIED,
    "DisabledException": Refusal.DISABLED,
    "KMSInvalidStateException": Refusal.DISABLED,
    "NotFoundException": Refusal.UNKNOWN_KEY,
    "InvalidKeyUsageException": Refusal.UNKNOWN_KEY,
    "IncorrectKeyException": Refusal.MISMATCH,
    "InvalidCiphertextException": Refusal.MISMATCH,
    "ValidationException": Refusal.MISMATCH,
}
"""By error code, not by status: throttling is HTTP 400 as refusals are. What is not here may pass, and is tried again.

KMSInvalidStateException is a key that waits for its deletion, among others.
"""


def kms_client(region: str | None = None, endpoint: str | None = None) -> Any:
    """A client that never retries by itself; credentials and, unless given, the region are AWS's own settings.

    Args:
        region: of the key.
        endpoint: another address than the region's, such as a VPC endpoint.
    """
    import boto3
    from botocore.config import Config

    # A session of its own: the default one would keep the credentials that it saw first, whoever asked for them.
    make: Any = getattr(boto3.Session(), "client")  # noqa: B009  # its type is only partly known
    return make(
        "kms",
        region_name=region,
        endpoint_url=endpoint,
        config=Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1}),
    )


class KmsService:
    """Data keys under one symmetric KMS key, each bound to a context.

    Data keys come as immutable bytes, of which a copy stays in memory that this process freed; only the buffers that
    are handed out can be wiped.
    """

    name = "aws-kms"

    def __init__(self, client: Any, key: str) -> None:
        """Talk to one key.

        Args:
            client: of `kms_client`.
            key: its id, ARN or alias. Its role needs kms:GenerateDataKey, kms:Decrypt and kms:ReEncrypt*.
        """
        self._client, self._key = client, key

    def generate(self, context: str) -> DataKey:
        """A new data key."""
        made = self._called(
            lambda: self._client.generate_data_key(
                KeyId=self._key, KeySpec="AES_256", EncryptionContext=_encryption_context(context)
            )
        )
        return DataKey(clear=_data_key(made), wrapped=_wrapped(made))

    def unwrap(self, wrapped: str, context: str) -> bytearray:
        """A data key in clear, 32 bytes."""
        opened = self._called(
            lambda: self._client.decrypt(
                KeyId=self._key, CiphertextBlob=_blob(wrapped), EncryptionContext=_encryption_context(context)
            )
        )
        return _data_key(opened)

    def rewrap(self, keys: Sequence[Wrapped]) -> list[str | KeyServiceRefused]:
        """The same data keys under today's material of the key; they are not seen in clear. One request each."""
        return [self._rewrapped(key) for key in keys]

    def newest(self) -> str:
        """Empty: ciphertexts of KMS do not tell which material made them, and all material opens for ever."""
        return ""

    def _rewrapped(self, key: Wrapped) -> str | KeyServiceRefused:
        context = _encryption_context(key.context)
        try:
            return _wrapped(
                self._called(
                    lambda: self._client.re_encrypt(
                        CiphertextBlob=_blob(key.wrapped),
                        SourceKeyId=self._key,
                        SourceEncryptionContext=context,
                        DestinationKeyId=self._key,
                        DestinationEncryptionContext=context,
                    )
                )
            )
        except KeyServiceRefused as refused:
            if refused.refusal is not Refusal.MISMATCH:
                raise  # it is not about this one key
            return refused

    @staticmethod
    def _called(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Call and translate: nothing of what the service says travels on."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

        try:
            return ask()
        except ClientError as error:
            answered: Any = error.response  # pyright: ignore[reportUnknownMemberType]
            refusal = REFUSALS.get(str(answered.get("Error", {}).get("Code")))
            raise (KeyServiceUnavailable() if refusal is None else KeyServiceRefused(refusal)) from None
        except (NoCredentialsError, PartialCredentialsError):
            raise KeyServiceRefused(Refusal.DENIED) from None
        except BotoCoreError:
            raise KeyServiceUnavailable from None


def _encryption_context(context: str) -> dict[str, str]:
    return {CONTEXT_KEY: context}


def _blob(wrapped: str) -> bytes:
    """What was wrapped, if it is exactly as we wrote it: several base64 texts can stand for the same bytes."""
    try:
        blob = base64.b64decode(wrapped.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        blob = b""
    if not blob or base64.b64encode(blob).decode("ascii") != wrapped:
        raise KeyServiceRefused(Refusal.MISMATCH)
    return blob


def _wrapped(answer: dict[str, Any]) -> str:
    blob = answer.get("CiphertextBlob")
    if not isinstance(blob, bytes) or not blob:
        raise KeyServiceUnavailable
    return base64.b64encode(blob).decode("ascii")


def _data_key(answer: dict[str, Any]) -> bytearray:
    clear = answer.get("Plaintext")
    if not isinstance(clear, bytes) or len(clear) != DATA_KEY_BYTES:
        raise KeyServiceUnavailable
    return bytearray(clear)

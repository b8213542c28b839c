"""Data keys from the transit engine of OpenBao or Vault."""

import base64
import re
from collections.abc import Callable, Sequence
from typing import Any

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, Unauthorized, VaultError

from activities.key_ports import DATA_KEY_BYTES, DataKey, KeyServiceRefused, Refusal, Wrapped
from activities.keys.wiping import wipe
from activities.ports import KeyServiceUnavailable

TIMEOUT_SECONDS = 10
WRAPPED = re.compile(r"(vault:v([1-9][0-9]{0,8}):)[A-Za-z0-9+/]+={0,2}", re.ASCII)
"""How wrapped keys look, of Vault and OpenBao alike: `vault:v3:...`; the number is the wrapping key's version.

The servers are less strict: they take version 0 for 1, and line breaks in the rest.
"""

PROBE = "conclave/version-probe/v1"
"""Context of data keys that are made only to see the wrapping key's version, and are thrown away."""

# The transit engine says 400 to all of these; its text is all that tells them apart.
_REFUSALS = (
    ("too old", Refusal.TOO_OLD),
    ("key not found", Refusal.UNKNOWN_KEY),
    ("deleted", Refusal.DISABLED),
)


class TransitService:
    """Data keys under one transit key, each bound to a context.

    The transit key is derived: the context takes part in the wrapping key. (Associated data would bind as well, but a
    key wrapped with it can never be re-wrapped.)

    Data keys pass through JSON, so copies of them stay in memory that this process freed; only the buffers that are
    handed out can be wiped.
    """

    name = "transit"

    def __init__(self, address: str, token: str, mount: str, key: str) -> None:
        """Talk to one transit key.

        Args:
            address: of the server.
            token: one that may ask for data keys, decrypt and re-wrap, nothing more.
            mount: where the transit engine is.
            key: its key.
        """
        self._transit = transit_client(address, token)
        self._where = {"name": key, "mount_point": mount}

    def generate(self, context: str) -> DataKey:
        """A new data key."""
        made = called(
            lambda: self._transit.generate_data_key(key_type="plaintext", context=_encoded(context), **self._where)
        )
        return DataKey(clear=_data_key(made), wrapped=_wrapped(made))

    def generate_wrapped(self, context: str) -> str:
        """A new data key that is not needed in clear yet."""
        return _wrapped(
            called(
                lambda: self._transit.generate_data_key(key_type="wrapped", context=_encoded(context), **self._where)
            )
        )

    def unwrap(self, wrapped: str, context: str) -> bytearray:
        """A data key in clear, 32 bytes."""
        if WRAPPED.fullmatch(wrapped) is None:
            raise KeyServiceRefused(Refusal.MISMATCH)
        return _data_key(
            called(
                lambda: self._transit.decrypt_data(ciphertext=wrapped, context=_encoded(context), **self._where),
            )
        )

    def rewrap(self, keys: Sequence[Wrapped]) -> list[str | KeyServiceRefused]:
        """The same data keys under the newest version; they are not seen in clear.

        A batch is HTTP 200 even when items failed, so each item's own error is read.
        """
        if not keys:
            return []
        batch = [{"ciphertext": key.wrapped, "context": _encoded(key.context)} for key in keys]
        # hvac wants a ciphertext beside the batch; the server ignores it.
        answer = called(lambda: self._transit.rewrap_data(ciphertext="", batch_input=batch, **self._where))
        items = answer.get("batch_results")
        if not isinstance(items, list) or len(items) != len(keys):  # pyright: ignore[reportUnknownArgumentType]
            raise KeyServiceUnavailable
        return [_item(item) for item in items]  # pyright: ignore[reportUnknownVariableType]

    def newest(self) -> str:
        """`vault:vN:` with the version that wraps now. A fresh data key tells it without any further right."""
        return version_mark(self.generate_wrapped(PROBE))


class TransitOperator:
    """What needs more than the application's token."""

    def __init__(self, address: str, token: str, mount: str, key: str) -> None:
        """Take a token that may rotate and configure the transit key."""
        self._transit = transit_client(address, token)
        self._where = {"name": key, "mount_point": mount}

    def rotate(self) -> None:
        """Make a new version of the transit key."""
        called(lambda: self._transit.rotate_key(**self._where), answers=False)

    def retire(self, mark: str) -> None:
        """Refuse what versions before `mark` wrapped."""
        version = int(mark.removeprefix("vault:v").removesuffix(":"))
        called(
            lambda: self._transit.update_key_configuration(min_decryption_version=version, **self._where),
            answers=False,
        )


class TransitKeys:
    """Data keys of one fixed context: the payload codec's."""

    def __init__(self, address: str, token: str, mount: str, key: str, context: bytes) -> None:
        """Talk to one transit key as `TransitService` does.

        Args:
            address: of the server.
            token: one that may ask for data keys and decrypt, nothing more.
            mount: where the transit engine is.
            key: its key.
            context: what the wrapped keys are for, ASCII; a key wrapped for another purpose does not open.
        """
        self._service, self._context = TransitService(address, token, mount, key), context.decode("ascii")

    def generate(self) -> str:
        """A new data key, wrapped."""
        try:
            return self._service.generate_wrapped(self._context)
        except KeyServiceRefused:
            raise KeyServiceUnavailable from None

    def unwrap(self, wrapped: str) -> bytes:
        """A data key in clear, 32 bytes."""
        try:
            clear = self._service.unwrap(wrapped, self._context)
        except KeyServiceRefused:
            raise KeyServiceUnavailable from None
        try:
            return bytes(clear)
        finally:
            wipe(clear)


def version_mark(wrapped: str) -> str:
    """The beginning of a wrapped key that tells the version of its wrapping key: `vault:v3:`.

    Raises:
        KeyServiceUnavailable: that is no wrapped key.
    """
    match = WRAPPED.fullmatch(wrapped)
    if match is None:
        raise KeyServiceUnavailable
    return match[1]


def transit_client(address: str, token: str) -> Any:
    """The transit engine of a server."""
    session = requests.Session()
    # No proxy from the environment and no redirects: the token goes to the address that was given, nowhere else.
    session.trust_env = False
    client: Any = hvac.Client(url=address, token=token, timeout=TIMEOUT_SECONDS, session=session, allow_redirects=False)
    return client.secrets.transit


def _encoded(context: str) -> str:
    return base64.b64encode(context.encode("ascii")).decode()


def called(ask: Callable[[], Any], answers: bool = True) -> dict[str, Any]:
    """Call and translate: nothing of what the server says travels on.

    Sealed (503), not initialised (501), a standby (429, 472, 473) and broken (500) pass; a refusal stays.
    """
    try:
        answer = ask()
        if not answers:
            return {}
        data = answer["data"]
    except (Forbidden, Unauthorized):
        raise KeyServiceRefused(Refusal.DENIED) from None
    except InvalidPath:
        raise KeyServiceRefused(Refusal.UNKNOWN_KEY) from None
    except InvalidRequest as error:
        raise KeyServiceRefused(_refusal(str(error.args[0]))) from None
    except (VaultError, requests.RequestException, KeyError, TypeError):
        raise KeyServiceUnavailable from None
    if not isinstance(data, dict):
        raise KeyServiceUnavailable
    return data  # pyright: ignore[reportUnknownVariableType]


def _refusal(said: str) -> Refusal:
    return next((refusal for text, refusal in _REFUSALS if text in said), Refusal.MISMATCH)


def _item(item: Any) -> str | KeyServiceRefused:
    if not isinstance(item, dict):
        raise KeyServiceUnavailable
    fields: dict[str, Any] = item  # pyright: ignore[reportUnknownVariableType]
    if fields.get("error"):
        return KeyServiceRefused(_refusal(str(fields["error"])))
    return _wrapped(fields)


def _wrapped(answer: dict[str, Any]) -> str:
    wrapped = answer.get("ciphertext")
    if not isinstance(wrapped, str):
        raise KeyServiceUnavailable
    version_mark(wrapped)
    return wrapped


def _data_key(answer: dict[str, Any]) -> bytearray:
    try:
        key = bytearray(base64.b64decode(answer["plaintext"], validate=True))
    except (KeyError, ValueError, TypeError):
        raise KeyServiceUnavailable from None
    if len(key) != DATA_KEY_BYTES:
        wipe(key)
        raise KeyServiceUnavailable
    return key

"""Data keys from the transit engine of OpenBao or Vault."""

import base64
from collections.abc import Callable
from typing import Any

import hvac
import requests
from hvac.exceptions import VaultError

from activities.ports import KeyServiceUnavailable

KEY_BYTES = 32
TIMEOUT_SECONDS = 10


class TransitKeys:
    """Wraps and unwraps data keys under one transit key.

    The transit key is derived: the context takes part in the wrapping key. (Associated data would bind as well, but a
    key wrapped with it can never be re-wrapped.)
    """

    def __init__(self, address: str, token: str, mount: str, key: str, context: bytes) -> None:
        """Talk to one transit key.

        Args:
            address: of the server.
            token: one that may ask for data keys and decrypt, nothing more.
            mount: where the transit engine is.
            key: its key.
            context: what the wrapped keys are for; a key wrapped for another purpose does not open.
        """
        session = requests.Session()
        # No proxy from the environment and no redirects: the token goes to the address that was given, nowhere else.
        session.trust_env = False
        self._client: Any = hvac.Client(
            url=address, token=token, timeout=TIMEOUT_SECONDS, session=session, allow_redirects=False
        )
        self._where = {"name": key, "mount_point": mount, "context": base64.b64encode(context).decode()}

    def generate(self) -> str:
        """A new data key, wrapped."""
        transit = self._client.secrets.transit
        answer = self._call(lambda: transit.generate_data_key(key_type="wrapped", **self._where))
        return str(answer["ciphertext"])

    def unwrap(self, wrapped: str) -> bytes:
        """A data key in clear, 32 bytes."""
        transit = self._client.secrets.transit
        answer = self._call(lambda: transit.decrypt_data(ciphertext=wrapped, **self._where))
        try:
            key = base64.b64decode(answer["plaintext"], validate=True)
        except (KeyError, ValueError):
            raise KeyServiceUnavailable from None
        if len(key) != KEY_BYTES:
            raise KeyServiceUnavailable
        return key

    @staticmethod
    def _call(ask: Callable[[], Any]) -> dict[str, Any]:
        try:
            return ask()["data"]
        except (VaultError, requests.RequestException, KeyError, TypeError):
            raise KeyServiceUnavailable from None

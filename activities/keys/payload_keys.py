"""The key ring of the Temporal payload codec: data keys from OpenBao or Vault transit, stored wrapped in Postgres."""

import asyncio
import base64
import uuid
from datetime import UTC, datetime

import hvac
import requests
from hvac.exceptions import VaultError
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from activities.storage.database import Database
from models.codec import AesGcmCodec
from models.tables import PayloadKey

KEY_BYTES = 32
CONTEXT = base64.b64encode(b"conclave/payload-codec/v1").decode()
"""Binds the wrapped keys to their purpose. Transit keys are derived, so re-wrapping works (associated data would not)."""
TIMEOUT_SECONDS = 10


class KeyServiceUnavailable(Exception):
    """OpenBao or Vault cannot be reached, is sealed, or refuses: without it nothing is encrypted, so nothing runs."""


class TransitKeys:
    """Data keys from a transit engine."""

    def __init__(self, address: str, token: str, mount: str, key: str) -> None:
        self._client = hvac.Client(url=address, token=token, timeout=TIMEOUT_SECONDS, session=_plain_session())
        self._mount = mount
        self._key = key

    def generate(self) -> tuple[bytes, str]:
        """A new data key, in clear and wrapped."""
        answer = self._call(
            lambda transit: transit.generate_data_key(
                name=self._key, key_type="plaintext", context=CONTEXT, mount_point=self._mount
            )
        )
        return _checked(answer["data"]["plaintext"]), answer["data"]["ciphertext"]

    def unwrap(self, wrapped: str) -> bytes:
        """A data key in clear."""
        answer = self._call(
            lambda transit: transit.decrypt_data(
                name=self._key, ciphertext=wrapped, context=CONTEXT, mount_point=self._mount
            )
        )
        return _checked(answer["data"]["plaintext"])

    def _call(self, ask):  # pyright: ignore
        try:
            return ask(self._client.secrets.transit)  # pyright: ignore
        except (VaultError, requests.RequestException, KeyError, ValueError):
            raise KeyServiceUnavailable("key_service_unavailable") from None


def _plain_session() -> requests.Session:
    """No proxy from the environment, no redirects to elsewhere."""
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    return session


def _checked(encoded: str) -> bytes:
    key = base64.b64decode(encoded, validate=True)
    if len(key) != KEY_BYTES:
        raise KeyServiceUnavailable("key_service_malformed")
    return key


async def payload_codec(database: Database, transit: TransitKeys) -> AesGcmCodec:
    """The codec over every stored key; the first process that asks creates the first key.

    Raises:
        KeyServiceUnavailable: a key cannot be made or unwrapped.
        StoreUnavailable: the keys cannot be read.
    """
    rows = await _rows(database)
    if not any(row.active for row in rows):
        _, wrapped = await asyncio.to_thread(transit.generate)
        fresh = {"id": uuid.uuid4().hex, "wrapped": wrapped, "active": True, "created_at": datetime.now(UTC)}
        async with database.transaction() as session:
            await session.execute(insert(PayloadKey).values(fresh).on_conflict_do_nothing())
        rows = await _rows(database)
    keys = {row.id: await asyncio.to_thread(transit.unwrap, row.wrapped) for row in rows}
    return AesGcmCodec(keys, next(row.id for row in rows if row.active))


async def _rows(database: Database) -> list[PayloadKey]:
    async with database.transaction() as session:
        return list((await session.execute(select(PayloadKey).order_by(col(PayloadKey.created_at)))).scalars())

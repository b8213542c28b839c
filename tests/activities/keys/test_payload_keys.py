"""The payload codec's keys, by the real key service: made once, opened everywhere, bound to their purpose."""

import asyncio

import pytest
from temporalio.api.common.v1 import Payload

from activities.keys.transit import TransitKeys
from activities.payload_keys import payload_codec
from activities.ports import KeyServiceUnavailable
from activities.storage.database import Database
from activities.storage.payload_keys import PostgresPayloadKeys
from models.codec import AesGcmCodec, PayloadUnreadable
from starter.stack.launcher import Stack
from tests.activities.conftest import transit_of

SECRET = Payload(metadata={"encoding": b"json/plain"}, data=b'"os.system(cmd)"')


async def test_processes_that_start_together_share_one_key(database: Database, transit: TransitKeys) -> None:
    store = PostgresPayloadKeys(database)
    one, other = await asyncio.gather(payload_codec(transit, store), payload_codec(transit, store))
    assert len(await store.all()) == 1
    (sealed,) = await one.encode([SECRET])
    assert b"os.system" not in sealed.SerializeToString()
    assert await other.decode([sealed]) == [SECRET]


async def test_the_stored_key_is_wrapped(database: Database, transit: TransitKeys) -> None:
    store = PostgresPayloadKeys(database)
    await payload_codec(transit, store)
    (key,) = await store.all()
    assert key.wrapped.startswith("vault:v1:")
    assert len(transit.unwrap(key.wrapped)) == 32


async def test_a_key_for_another_purpose_does_not_open(stack: Stack, transit: TransitKeys) -> None:
    with pytest.raises(KeyServiceUnavailable):
        transit_of(stack, b"another purpose").unwrap(transit.generate())


@pytest.mark.parametrize("token", ["wrong-token", "s.0000000000000000000000"])
async def test_without_the_key_service_nothing_runs(stack: Stack, token: str) -> None:
    with pytest.raises(KeyServiceUnavailable) as caught:
        transit_of(stack, b"x", token).generate()
    assert token not in str(caught.value)


async def test_a_changed_payload_and_an_unknown_key_are_refused() -> None:
    codec, stranger = AesGcmCodec({"k1": b"1" * 32}, "k1"), AesGcmCodec({"k2": b"2" * 32}, "k2")
    (sealed,) = await codec.encode([SECRET])
    for position in range(len(sealed.data)):
        changed = bytearray(sealed.data)
        changed[position] ^= 1
        with pytest.raises(PayloadUnreadable):
            await codec.decode([Payload(metadata=sealed.metadata, data=bytes(changed))])
    with pytest.raises(PayloadUnreadable):
        await stranger.decode([sealed])


async def test_old_keys_decode_and_the_active_one_encodes() -> None:
    old = AesGcmCodec({"k1": b"1" * 32}, "k1")
    both = AesGcmCodec({"k1": b"1" * 32, "k2": b"2" * 32}, "k2")
    assert await both.decode(await old.encode([SECRET])) == [SECRET]
    assert (await both.encode([SECRET]))[0].metadata["encryption-key-id"] == b"k2"


async def test_equal_payloads_look_different_and_plain_ones_pass() -> None:
    codec = AesGcmCodec({"k1": b"1" * 32}, "k1")
    one, other = await codec.encode([SECRET, SECRET])
    assert one.data != other.data
    assert await codec.decode([SECRET]) == [SECRET]

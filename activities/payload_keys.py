"""The key ring of the Temporal payload codec."""

import asyncio

from activities.ports import DataKeys, PayloadKeyStore
from models.codec import AesGcmCodec

CONTEXT = b"conclave/payload-codec/v1"
"""What the wrapped keys are for."""


async def payload_codec(keys: DataKeys, store: PayloadKeyStore) -> AesGcmCodec:
    """The codec over every stored key; the first process that asks makes the first key.

    Raises:
        KeyServiceUnavailable: a key cannot be made or unwrapped; without keys nothing may run.
        StoreUnavailable: the keys cannot be read.
    """
    ring = await store.all()
    if not any(each.active for each in ring):
        await store.add_first(await asyncio.to_thread(keys.generate))
        ring = await store.all()
    opened = {each.id: await asyncio.to_thread(keys.unwrap, each.wrapped) for each in ring}
    return AesGcmCodec(opened, next(each.id for each in ring if each.active))

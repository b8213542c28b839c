"""What stands around one call to a model: its place, its key, and what others are told of how it went."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, TypeVar

from activities.key_ports import KeyServiceRefused
from activities.ports import KeyServiceUnavailable, StoreUnavailable
from activities.provider_ports import (
    CallFailed,
    HealthStore,
    KeyUnknown,
    KeyUnreadable,
    KeyVault,
    Limiter,
    ModelAnswer,
    ProviderBusy,
    RateLimits,
)
from activities.routing import Routed
from models.call import CallFailure, Posture
from models.health import KEY_IS_BAD
from models.provider import PLATFORM, KeyState
from models.traffic import cooldown_seconds

SPENT_KEY_RESTS_SECONDS = 3600.0
"""How long a key is left alone whose owner has reached a limit at the provider that names no end."""

PLACE_SECONDS = 60.0
"""How long a place at a provider is waited for when nobody else is left: experts that work at once fill it for long."""

T = TypeVar("T")


class Surroundings:
    """Limits, keys and what is known of providers, for one call at a time."""

    def __init__(self, keys: KeyVault, limiter: Limiter, health: HealthStore) -> None:
        self._keys = keys
        self._limiter = limiter
        self._health = health

    @asynccontextmanager
    async def place(self, routed: Routed, tokens: int) -> AsyncGenerator[None, None]:
        """The right to make one call; where nobody else is left to ask, it is waited for a while.

        Raises:
            ProviderBusy: not now, or not soon enough.
        """
        patience = PLACE_SECONDS if routed.further(Posture.NEXT_PROVIDER) is None else 0.0
        until = time.monotonic() + patience
        while True:
            async with AsyncExitStack() as held:
                try:
                    await held.enter_async_context(self._limiter.slot(routed.provider, routed.stop.key_id, tokens))
                except ProviderBusy as busy:
                    wait = busy.retry_after_seconds
                    if time.monotonic() + wait > until:
                        raise
                else:
                    yield
                    return
            await asyncio.sleep(wait)

    @asynccontextmanager
    async def opened(self, routed: Routed) -> AsyncGenerator[bytearray | None, None]:
        """The key of a place in clear, or None where it takes none. Raises what `KeyVault.opened` raises."""
        if routed.stop.key_id is None:
            yield None
            return
        async with self._keys.opened(routed.stop.key_id, routed.provider) as key:
            yield key

    async def answered(self, routed: Routed, answer: ModelAnswer) -> None:
        """What other calls should know of an answer."""
        provider_id = routed.provider.id
        await self._limiter.note(provider_id, answer.latency_ms, None, answer.limits, routed.stop.key_id)
        await self._health.note_passive(provider_id, None, answer.latency_ms)

    async def failed(self, owner: str, routed: Routed, error: CallFailed, latency_ms: int, mark: bytes) -> None:
        """What other calls should know of a failure: of the provider, or of the key alone.

        Args:
            owner: the user who asked.
            routed: whom.
            error: what happened.
            latency_ms: until then.
            mark: of the key that was sent.
        """
        provider_id, key_id = routed.provider.id, routed.stop.key_id
        await self._limiter.note(provider_id, latency_ms, error.failure, RateLimits(), key_id, error.http_status)
        await self._health.note_passive(provider_id, error.failure, latency_ms, error.http_status)
        if error.failure in KEY_IS_BAD and key_id is not None:
            # Not told is no harm: the next call meets the same refusal.
            with suppress(KeyUnknown, KeyUnreadable, KeyServiceUnavailable, KeyServiceRefused, StoreUnavailable):
                await self._set_aside(owner, key_id, routed, error.failure, mark)
            return
        rest = cooldown_seconds(error.failure, error.retry_after_seconds)
        if error.failure is CallFailure.SPEND_LIMIT:
            rest = error.retry_after_seconds or SPENT_KEY_RESTS_SECONDS
        if rest is not None:
            await self._limiter.cool(provider_id, key_id, rest)

    async def _set_aside(self, owner: str, key_id: str, routed: Routed, failure: CallFailure, mark: bytes) -> None:
        """Note that a key is refused, unless its owner has replaced it since it was sent."""
        known = await self._keys.usable([owner, PLATFORM])
        version = next((each.version for each in known if each.id == key_id), None)
        async with self.opened(routed) as key:
            is_same = mark_of(key) == mark
        if version is not None and is_same:
            await self._keys.set_state(key_id, KeyState.INVALID, failure, version)


def mark_of(key: bytearray | None) -> bytes:
    """By what a key is told from its successor."""
    return b"" if key is None else hashlib.sha256(key).digest()


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Do something to its end, also when cancelled meanwhile: only then is the cancellation passed on."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen: the cancellation is what is told
        raise

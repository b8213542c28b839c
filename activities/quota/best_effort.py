"""Redis for things that one can do without for a while: nothing here raises for what Redis does."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

TIMEOUT_SECONDS = 0.25
PAUSE_SECONDS = 1.0
"""After a failure Redis is not asked for this long: waiting for the time limit each time would slow every call down."""
AT_ONCE = 16

log = logging.getLogger(__name__)
T = TypeVar("T")


def impatient_client(redis_url: str, patience: float = TIMEOUT_SECONDS) -> Redis:
    """A client that fails fast: one try.

    Args:
        redis_url: `redis://...`.
        patience: seconds that a connection or an answer is waited for.
    """
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        redis_url,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 0),
        max_connections=2 * AT_ONCE,
        decode_responses=True,
    )


class BestEffortRedis:
    """Asks Redis, quickly or not at all."""

    def __init__(self, client: Redis, patience: float = TIMEOUT_SECONDS) -> None:
        """Work on a client of `impatient_client`.

        Args:
            client: of the Redis that is asked.
            patience: seconds that an answer is waited for.
        """
        self.client = client
        self._patience = patience
        self._places = asyncio.Semaphore(AT_ONCE)
        self._paused_until = 0.0

    def script(self, source: str) -> Callable[..., Awaitable[Any]]:
        """A Lua script: called with `keys` and `args`, sent again when the server has forgotten it."""
        return self.client.register_script(source)

    async def ask(self, send: Callable[[], Awaitable[T]], keys: Sequence[str]) -> T | None:
        """The answer, or None when there is none.

        Args:
            send: asks once.
            keys: what is asked about; dropped when it turns out to be of another type.
        """
        async with self._places:
            if time.monotonic() < self._paused_until:
                return None
            try:
                async with asyncio.timeout(self._patience):
                    return await send()
            except (RedisError, OSError, TimeoutError, ValueError) as error:
                await self._failed(error, keys)
                return None

    async def _failed(self, error: Exception, keys: Sequence[str]) -> None:
        """What is not what it should be is dropped; anything else is Redis itself, which is left alone for a while."""
        # The plain class is what a script's or a command's own error has; read-only, memory and such have theirs.
        if type(error) is ResponseError or isinstance(error, ValueError):
            log.warning("redis_state_broken")
            try:
                async with asyncio.timeout(self._patience):
                    await reply(self.client.delete(*keys))
                return
            except (RedisError, OSError, TimeoutError):
                pass
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        log.warning("redis_unavailable")


def reply(answer: Any) -> Awaitable[Any]:
    """What the client's methods return: its types name both the blocking and the asynchronous form."""
    return cast(Awaitable[Any], answer)

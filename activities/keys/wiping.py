"""Buffers that held a secret. Wiped where Python lets us: what a library copied of them is beyond reach."""

import asyncio
import ctypes
from collections.abc import Callable


def wipe(*buffers: bytearray) -> None:
    """Overwrite buffers with zeros, in place; their lengths stay."""
    for buffer in buffers:
        if buffer:
            ctypes.memset((ctypes.c_char * len(buffer)).from_buffer(buffer), 0, len(buffer))


async def secret_from_thread(work: Callable[[], bytearray]) -> bytearray:
    """Run a blocking call beside the event loop; what it returns after its caller was cancelled is wiped."""
    running = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        running.add_done_callback(_wipe_unwanted)
        raise


def _wipe_unwanted(ended: asyncio.Future[bytearray]) -> None:
    if not ended.cancelled() and ended.exception() is None:
        wipe(ended.result())

"""Work in a process of its own: the libraries of statistics would stay in the worker's memory for ever."""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


async def apart(work: Callable[[Given], Made], given: Given) -> Made:
    """Run a function of a module in a new process, which ends with it.

    Args:
        work: found by its name in the other process.
        given: sent to it.

    Raises:
        BrokenProcessPool: the process died.
    """
    # Not forked: a copy of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(max_workers=1, mp_context=context)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work, given)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)

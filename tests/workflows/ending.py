"""Waiting for processes in tests, and reading what they wrote."""

import asyncio
from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowContinuedAsNewError, WorkflowFailureError, WorkflowHandle

AnyHandle = WorkflowHandle[Any, Any]


async def history_of(handle: AnyHandle) -> str:
    """The history of a process's first run, once that has ended in any way, as JSON."""
    with suppress(WorkflowFailureError, WorkflowContinuedAsNewError):
        await handle.result(follow_runs=False)
    return (await handle.fetch_history()).to_json()


async def at_rest(handle: AnyHandle) -> None:
    """Wait until a process has nothing under way: what comes next comes to one that waits."""
    async with asyncio.timeout(20):
        while True:
            now = (await handle.describe()).raw_description
            # The first task is not told as pending: the history is longer than the start once it was done.
            begun = now.workflow_execution_info.history_length > 3
            if begun and not now.HasField("pending_workflow_task") and not now.pending_activities:
                return
            await asyncio.sleep(0.03)

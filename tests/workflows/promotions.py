"""Promotions that wait, are refused, held up or taken back; each step comes to a process that is at rest."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from temporalio.client import Client, WorkflowUpdateFailedError

from models.gate import Outcome
from models.promotion import PromotionStatus
from tests.workflows.ending import at_rest, history_of
from tests.workflows.promotion_rig import (
    ASKED_BY,
    AUTHOR,
    EVIDENCE,
    MemoryPromotions,
    order,
    promotion_worker,
    running,
    say,
    started,
)
from workflows.promotion import PromotionWorkflow

OTHER = EVIDENCE.model_copy(update={"report_hash": f"report:v1:sha256:{'f' * 64}"})


async def approved_by_two(client: Client, queue: str) -> str:
    """By update, one after the other."""
    store = MemoryPromotions(needed=2)
    async with running(client, queue, store) as handle:
        for approver in ("eve", "adam"):
            await at_rest(handle)
            store.stored.append(approver)
            await say(handle, approver)
        return await history_of(handle)


async def _ended_in_the_store(status: PromotionStatus, client: Client, queue: str) -> str:
    store = MemoryPromotions()
    async with running(client, queue, store) as handle:
        await at_rest(handle)
        store.status = status
        await handle.signal(PromotionWorkflow.approval_stored)
        return await history_of(handle)


async def rejected(client: Client, queue: str) -> str:
    """An approver said no; the hint makes the process look."""
    return await _ended_in_the_store(PromotionStatus.REJECTED, client, queue)


async def withdrawn(client: Client, queue: str) -> str:
    """Who asked for it took it back."""
    return await _ended_in_the_store(PromotionStatus.WITHDRAWN, client, queue)


async def reminds(client: Client, queue: str) -> str:
    """Nobody says anything for a while, then it expires."""
    lifetime = timedelta(seconds=2.5)
    async with running(client, queue, MemoryPromotions(), lifetime=lifetime, remind_after_seconds=1.5) as handle:
        return await history_of(handle)


async def gate_says_no(client: Client, queue: str) -> str:
    """Enough approved, but what they approved no longer passes."""
    store = MemoryPromotions()
    store.gate = Outcome.FAIL
    async with running(client, queue, store) as handle:
        await at_rest(handle)
        store.stored.append("eve")
        await say(handle, "eve")
        return await history_of(handle)


async def gate_is_silent(client: Client, queue: str) -> str:
    """The policy engine is down at the first look, and there at the next."""
    store = MemoryPromotions()
    store.silent = 1
    async with running(client, queue, store) as handle:
        await at_rest(handle)
        store.stored.append("eve")
        await say(handle, "eve")
        await at_rest(handle)
        await handle.signal(PromotionWorkflow.approval_stored)
        return await history_of(handle)


async def believes_no_hint(client: Client, queue: str) -> str:
    """Signals that say who approved, and the update of somebody whose approval is not stored."""
    store = MemoryPromotions()
    async with running(client, queue, store) as handle:
        await at_rest(handle)
        await handle.signal("approval_stored", {"approver": "mallory", "evidence": {}})
        await at_rest(handle)
        await say(handle, "mallory")
        await at_rest(handle)
        store.status = PromotionStatus.REJECTED
        await handle.signal(PromotionWorkflow.approval_stored)
        return await history_of(handle)


async def refuses_approvers(client: Client, queue: str) -> str:
    """The validator refuses the author, who asked for it, and other evidence: the history knows nothing of them."""
    store = MemoryPromotions()
    async with running(client, queue, store) as handle:
        await at_rest(handle)
        for who, evidence in ((AUTHOR, EVIDENCE), (ASKED_BY, EVIDENCE), ("eve", OTHER)):
            with suppress(WorkflowUpdateFailedError):
                await say(handle, who, evidence)
        store.stored.append("eve")
        await say(handle, "eve")
        return await history_of(handle)


async def store_is_down(client: Client, queue: str) -> str:
    """A look is repeated until there is an answer, and the worker is another one by then."""
    store = MemoryPromotions()
    async with promotion_worker(client, queue, store):
        handle = await started(client, queue, order())
        await at_rest(handle)
    store.stored.append("eve")
    store.failures = 2
    async with promotion_worker(client, queue, store):
        await handle.signal(PromotionWorkflow.approval_stored)
        return await history_of(handle)


async def goes_on(client: Client, queue: str) -> str:
    """Many hints: the first of two runs."""
    store = MemoryPromotions(needed=2)
    async with running(client, queue, store) as handle:
        await at_rest(handle)
        store.stored.append("eve")
        await say(handle, "eve")
        first = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
        history = await history_of(first)
        store.status = PromotionStatus.WITHDRAWN
        await client.get_workflow_handle(handle.id).signal("approval_stored")
        await handle.result()
    return history


MORE_PROMOTIONS: dict[str, Callable[[Client, str], Awaitable[str]]] = {
    "promotion-approved-by-two": approved_by_two,
    "promotion-rejected": rejected,
    "promotion-withdrawn": withdrawn,
    "promotion-reminds": reminds,
    "promotion-gate-says-no": gate_says_no,
    "promotion-gate-is-silent": gate_is_silent,
    "promotion-believes-no-hint": believes_no_hint,
    "promotion-refuses-approvers": refuses_approvers,
    "promotion-store-is-down": store_is_down,
    "promotion-goes-on": goes_on,
}
"""By the name of the recorded file."""

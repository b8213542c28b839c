"""The process of a promotion: hints make it look, what is stored moves it, and time ends it."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from models.promotion import Evidence, PromotionStatus
from models.promotion_rules import Refusal
from tests.workflows.promotion_rig import (
    ASKED_BY,
    AUTHOR,
    EVIDENCE,
    Handle,
    MemoryPromotions,
    order,
    promotion_worker,
    running,
    say,
    started,
)
from workflows import promotion
from workflows.promotion import PromotionWorkflow

OTHER = EVIDENCE.model_copy(update={"report_hash": f"report:v1:sha256:{'f' * 64}"})
DAY = timedelta(days=1)


async def refusal(handle: Handle, approver: str, evidence: Evidence = EVIDENCE) -> str | None:
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await say(handle, approver, evidence)
    assert isinstance(caught.value.cause, ApplicationError)
    return caught.value.cause.type


async def kinds(handle: Handle) -> list[int]:
    return [event.event_type async for event in handle.fetch_history_events()]


async def test_it_is_applied_when_enough_have_stored_their_approval(client: Client, queue: str) -> None:
    store = MemoryPromotions(needed=2)
    async with running(client, queue, store) as handle:
        store.stored.append("eve")
        first = await say(handle, "eve")
        assert (first.status, first.approvers) == (PromotionStatus.AWAITING, ("eve",))
        store.stored.append("adam")
        assert (await say(handle, "adam")).status is PromotionStatus.APPLIED
        assert (await handle.result()).approvers == ("eve", "adam")


async def test_neither_signals_nor_updates_stand_for_an_approval(client: Client, queue: str) -> None:
    store = MemoryPromotions()
    async with running(client, queue, store) as handle:
        for _ in range(5):
            await handle.signal(PromotionWorkflow.approval_stored)
            await handle.signal("approval_stored", {"approver": "mallory", "evidence": {}})
        assert (await say(handle, "mallory")).status is PromotionStatus.AWAITING
        assert (await handle.query(PromotionWorkflow.state)).approvers == ()
        await handle.terminate()
    assert store.looks >= 1  # what comes in one task of the workflow is looked at once


async def test_what_the_validator_refuses_leaves_no_trace_in_the_history(client: Client, queue: str) -> None:
    store = MemoryPromotions(needed=2)
    async with running(client, queue, store) as handle:
        store.stored.append("eve")
        await say(handle, "eve")
        assert await refusal(handle, AUTHOR) == Refusal.OWN_EXPERIMENT
        assert await refusal(handle, ASKED_BY) == Refusal.OWN_REQUEST
        assert await refusal(handle, "adam", OTHER) == Refusal.EVIDENCE_CHANGED
        assert await refusal(handle, "eve") == Refusal.ALREADY_VOTED
        accepted = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
        assert (await kinds(handle)).count(accepted) == 1
        await handle.terminate()


async def test_it_reminds_every_day_and_expires_without_approving(
    skipping: Client, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "LOOK_EVERY", 2 * DAY)
    store = MemoryPromotions(needed=2)
    async with running(skipping, queue, store, lifetime=4 * DAY) as handle:
        store.stored.append("eve")
        assert (await handle.result()).status is PromotionStatus.EXPIRED
    assert store.reminders == [25, 50, 75]


async def test_an_approval_whose_hint_was_lost_is_seen_within_the_hour(skipping: Client, queue: str) -> None:
    store = MemoryPromotions()
    async with running(skipping, queue, store) as handle:
        while not store.looks:
            await asyncio.sleep(0.02)
        store.stored.append("eve")
        assert (await handle.result()).status is PromotionStatus.APPLIED
    assert not store.reminders


async def test_a_policy_engine_that_is_down_holds_it_up_and_nothing_passes_meanwhile(
    skipping: Client, queue: str
) -> None:
    store = MemoryPromotions()
    store.silent = 3
    async with running(skipping, queue, store) as handle:
        store.stored.append("eve")
        first = await say(handle, "eve")
        assert (first.status, first.refusal) == (PromotionStatus.AWAITING, "policy_unavailable")
        last = await handle.result()
        assert (last.status, last.refusal) == (PromotionStatus.APPLIED, None)
    assert store.looks < 10, "it is asked every minute, not every hour, and not without a pause"


async def test_it_outlives_its_worker_and_a_store_that_is_down(client: Client, queue: str) -> None:
    store = MemoryPromotions()
    async with promotion_worker(client, queue, store):
        handle = await started(client, queue, order())
        while not store.looks:
            await asyncio.sleep(0.02)
    store.stored.append("eve")
    await handle.signal(PromotionWorkflow.approval_stored)
    store.failures = 2
    async with promotion_worker(client, queue, store):
        assert (await handle.result()).status is PromotionStatus.APPLIED


async def test_a_flood_of_hints_makes_no_long_history(
    client: Client, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "MOST_LOOKS", 3)
    store = MemoryPromotions()
    async with running(client, queue, store) as handle:
        for approver in ("a", "b", "c", "d", "e"):
            await say(client.get_workflow_handle_for(PromotionWorkflow.run, handle.id), approver)
        store.stored.append("eve")
        newest = client.get_workflow_handle_for(PromotionWorkflow.run, handle.id)
        assert (await say(newest, "eve")).status is PromotionStatus.APPLIED
        assert (await newest.describe()).run_id != handle.first_execution_run_id

"""Promotions whose store is in memory, and the situations whose histories are kept."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.experiment_ports import PolicyUnavailable
from activities.ports import StoreUnavailable
from activities.promotion import PromotionActivities
from models.gate import Decision, GateInput, Outcome, PolicyHash, PolicyName
from models.promotion import ApprovalHint, Evidence, PromotionOrder, PromotionState, PromotionStatus
from tests.activities.passed import decision
from worker import workflow_runner
from workflows.promotion import PromotionWorkflow

AUTHOR, ASKED_BY = "ann", "oscar"
EVIDENCE = Evidence(
    report_hash=f"report:v1:sha256:{'1' * 64}",
    config_hash=f"cfg:v1:sha256:{'2' * 64}",
    dataset_hash=f"ds:v1:sha256:{'3' * 64}",
    policy_hash=f"policy:v1:sha256:{'4' * 64}",
)
Handle = WorkflowHandle[PromotionWorkflow, PromotionState]


class Policies:
    def hash_of(self, policy: PolicyName) -> PolicyHash:
        return EVIDENCE.policy_hash

    async def decide(self, policy: PolicyName, facts: GateInput) -> Decision:
        raise NotImplementedError


class MemoryPromotions:
    """One promotion: what was stored of it, and what was done. It is the gate, too."""

    def __init__(self, needed: int = 1) -> None:
        self.needed = needed
        self.stored: list[str] = []
        self.status = PromotionStatus.AWAITING
        self.looks = 0
        self.reminders: list[int] = []
        self.failures = 0
        """Looks that fail from now on."""
        self.silent = 0
        """Questions to the gate that have no answer from now on."""
        self.gate = Outcome.PASS

    async def approved(self, promotion_id: str) -> str | None:
        return "an-experiment" if len(self.stored) >= self.needed else None

    async def decide(self, experiment_id: str) -> Decision | None:
        assert experiment_id == "an-experiment"
        if self.silent:
            self.silent -= 1
            raise PolicyUnavailable
        return decision(self.gate)

    async def settle(
        self,
        promotion_id: str,
        hash_of: Callable[[PolicyName], PolicyHash],
        *,
        expired: bool,
        gated: Decision | None = None,
    ) -> PromotionState:
        self.looks += 1
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        if self.status is PromotionStatus.AWAITING:
            if expired:
                self.status = PromotionStatus.EXPIRED
            elif len(self.stored) >= self.needed and gated is not None:
                applied = gated.outcome is Outcome.PASS
                self.status = PromotionStatus.APPLIED if applied else PromotionStatus.REFUSED
        return PromotionState(status=self.status, needed=self.needed, approvers=tuple(self.stored))

    async def remind(self, promotion_id: str, elapsed_percent: int) -> None:
        self.reminders.append(elapsed_percent)


def order(needed: int = 1, lifetime: timedelta = timedelta(days=7), **changes: Any) -> PromotionOrder:
    now = datetime.now(UTC)
    given: dict[str, Any] = {
        "promotion_id": uuid.uuid4().hex,
        "experiment_id": uuid.uuid4().hex,
        "author": AUTHOR,
        "requested_by": ASKED_BY,
        "evidence": EVIDENCE,
        "needed": needed,
        "requested_at": now,
        "expires_at": now + lifetime,
    }
    return PromotionOrder(**given | changes)


def promotion_worker(client: Client, queue: str, store: MemoryPromotions) -> Worker:
    acts = PromotionActivities(store, Policies(), store)
    return Worker(
        client,
        task_queue=queue,
        workflows=[PromotionWorkflow],
        activities=[acts.settle_promotion, acts.remind_approvers],
        workflow_runner=workflow_runner(),
        build_id="test",
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=0.5),
    )


async def started(client: Client, queue: str, given: PromotionOrder) -> Handle:
    return await client.start_workflow(
        PromotionWorkflow.run,
        given,
        id=f"promotion-{given.promotion_id}",
        task_queue=queue,
        # A task that went to a worker at its end is given to another after this time.
        task_timeout=timedelta(seconds=1),
    )


@asynccontextmanager
async def running(client: Client, queue: str, store: MemoryPromotions, **changes: Any) -> AsyncGenerator[Handle, None]:
    """A promotion with a worker."""
    async with promotion_worker(client, queue, store):
        yield await started(client, queue, order(store.needed, **changes))


async def say(handle: Handle, approver: str, evidence: Evidence = EVIDENCE) -> PromotionState:
    """Send the update, as the API does once it has stored the approval."""
    hint = ApprovalHint(approver=approver, evidence=evidence)
    return await handle.execute_update(PromotionWorkflow.approve, hint)  # pyright: ignore[reportUnknownMemberType]


async def _approved(client: Client, queue: str) -> Handle:
    store = MemoryPromotions(needed=2)
    async with running(client, queue, store, remind_after_seconds=0.3) as handle:
        await handle.signal(PromotionWorkflow.approval_stored)
        while not store.reminders:
            await asyncio.sleep(0.05)
        for approver in ("eve", "adam"):
            store.stored.append(approver)
            await say(handle, approver)
        await handle.result()
    return handle


async def _expires(client: Client, queue: str) -> Handle:
    async with running(client, queue, MemoryPromotions(), lifetime=timedelta(seconds=1)) as handle:
        await handle.result()
    return handle


PROMOTIONS: dict[str, Callable[[Client, str], Awaitable[Handle]]] = {
    "promotion-approved": _approved,
    "promotion-expires": _expires,
}
"""Situations by the name of their history."""


async def run_promotion(name: str, client: Client, queue: str) -> str:
    """Run one of them; returns its history."""
    return (await (await PROMOTIONS[name](client, queue)).fetch_history()).to_json()

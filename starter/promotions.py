"""Starting the processes of promotions, telling them to look, and keeping them alive."""

import asyncio
import hashlib
import logging
from datetime import UTC, datetime, timedelta

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from models.ids import experiment_workflow_id, orchestration_queue, promotion_workflow_id
from models.promotion import ApprovalHint, Promotion, PromotionOrder, PromotionStatus
from models.promotion_rules import Refusal
from models.text import neutral_markdown, spoken_time
from starter.composition import Services
from starter.reviews import STATUS, TIER
from workflows.promotion import PromotionWorkflow

log = logging.getLogger("conclave.api")

ANSWER_SECONDS = 10.0
"""Longest wait for the process's answer to an approval: without a worker there is none, and the approval is stored."""
GRACE = timedelta(days=30)
"""Longest life of a process behind its promotion's expiry, when no worker is there to end it."""
SETTLED = timedelta(seconds=5)
"""A younger promotion may just be on its way to Temporal."""
RESTART_AFTER = timedelta(minutes=1)
"""A process that fails is not started anew more often."""

REFUSALS = frozenset(Refusal)


async def start_promotion(client: Client, prefix: str, promotion: Promotion) -> None:
    """Start the process of a promotion; one that runs, or has done its work, is left alone.

    Raises:
        RPCError: Temporal cannot be reached or refuses.
    """
    order = PromotionOrder(
        promotion_id=promotion.id,
        experiment_id=promotion.experiment_id,
        author=promotion.author,
        requested_by=promotion.requested_by,
        evidence=promotion.evidence,
        needed=promotion.needed,
        requested_at=promotion.requested_at,
        expires_at=promotion.expires_at,
    )
    left = max(promotion.expires_at - datetime.now(UTC), timedelta())
    try:
        await client.start_workflow(
            PromotionWorkflow.run,
            order,
            id=promotion_workflow_id(promotion.id),
            task_queue=orchestration_queue(prefix),
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            execution_timeout=left + GRACE,
            static_summary=f"Promotion of experiment {promotion.experiment_id}",
            static_details=_details(promotion, client.namespace),
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(STATUS, PromotionStatus.AWAITING.value),
                    SearchAttributePair(TIER, "experimental"),
                ]
            ),
        )
    except WorkflowAlreadyStartedError:
        return


def _details(promotion: Promotion, namespace: str) -> str:
    """What an approver must know, as Markdown."""
    experiment = experiment_workflow_id(promotion.experiment_id)
    lines = {
        "Experiment": f"[{promotion.experiment_id}](/namespaces/{namespace}/workflows/{experiment})",
        "Reason": neutral_markdown(promotion.reason),
        "Asked by": f"{neutral_markdown(promotion.requested_by)}, author {neutral_markdown(promotion.author)}",
        "Approvals needed": f"{promotion.needed}, by others than these, until {spoken_time(promotion.expires_at)}",
        "Approve": f"`conclave approve {promotion.id}`",
        "Reject": f"`conclave reject {promotion.id} --reason WHY`",
        **{
            name.replace("_", " ").capitalize(): f"`{value}`" for name, value in promotion.evidence.model_dump().items()
        },
    }
    return "\n".join(f"- {name}: {value}" for name, value in lines.items())


async def tell_approval(client: Client, prefix: str, promotion: Promotion, approver: str) -> Refusal | None:
    """Let the process look at an approval that is stored.

    Returns:
        Why the process does not take it; None: it has looked, or will when it can.
    """
    handle = client.get_workflow_handle_for(PromotionWorkflow.run, promotion_workflow_id(promotion.id))
    # Ids stand in clear in the history; names of people do not.
    update_id = hashlib.sha256(f"{promotion.id}:{approver}".encode()).hexdigest()
    hint = ApprovalHint(approver=approver, evidence=promotion.evidence)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
                PromotionWorkflow.approve, hint, id=update_id
            )
    except WorkflowUpdateFailedError as error:
        code = error.cause.type if isinstance(error.cause, ApplicationError) else None
        # Another look was quicker: the approval was counted.
        counted = code in (Refusal.ALREADY_VOTED, Refusal.DECIDED)
        return Refusal(code) if code in REFUSALS and not counted else None
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
        await tell_change(client, prefix, promotion)
    except RPCError as error:
        await _deferred(client, prefix, promotion, error)
    return None


async def tell_change(client: Client, prefix: str, promotion: Promotion) -> None:
    """Let the process look at what is stored as soon as it can; it looks by itself every hour, too."""
    handle = client.get_workflow_handle_for(PromotionWorkflow.run, promotion_workflow_id(promotion.id))
    try:
        await handle.signal(PromotionWorkflow.approval_stored)
    except RPCError as error:
        await _deferred(client, prefix, promotion, error)


async def _deferred(client: Client, prefix: str, promotion: Promotion, error: RPCError) -> None:
    if error.status is RPCStatusCode.NOT_FOUND and promotion.status is PromotionStatus.AWAITING:
        try:
            await start_promotion(client, prefix, promotion)
            return
        except RPCError:
            pass
    log.warning("promotion_look_deferred promotion_id=%s", promotion.id)


async def reconcile_promotions(services: Services) -> None:
    """Start the processes of promotions that wait without one.

    Raises:
        RPCError: Temporal cannot be reached.
        StoreUnavailable: the database cannot be reached.
    """
    now = datetime.now(UTC)
    for promotion in await services.versions.promotions.page(None, 100, PromotionStatus.AWAITING):
        if now - promotion.requested_at > SETTLED and await _is_gone(services.temporal, promotion.id, now):
            log.warning("promotion_started_late promotion_id=%s", promotion.id)
            await start_promotion(services.temporal, services.settings.task_queue, promotion)


async def _is_gone(client: Client, promotion_id: str, now: datetime) -> bool:
    try:
        found = await client.get_workflow_handle(promotion_workflow_id(promotion_id)).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return True
        raise
    if found.status in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED):
        return False
    return found.close_time is not None and now - found.close_time > RESTART_AFTER

"""Starting reviews in Temporal and asking how they went."""

from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from models.ids import orchestration_queue, review_workflow_id
from models.order import ReviewOrder
from models.review import ReviewStatus
from models.text import neutral_markdown
from workflows.review import ReviewWorkflow

STATUS = SearchAttributeKey.for_keyword("ConclaveStatus")
MODE = SearchAttributeKey.for_keyword("ConclaveMode")
LANGUAGE = SearchAttributeKey.for_keyword("ConclaveLanguage")
TIER = SearchAttributeKey.for_keyword("ConclaveTier")

LONGEST_REVIEW = timedelta(hours=24)
LONGEST_WAIT = timedelta(days=40)
"""Longest life of a review that may wait for the next month's quota."""

ENDED_AS = {
    WorkflowExecutionStatus.FAILED: ReviewStatus.FAILED,
    WorkflowExecutionStatus.TERMINATED: ReviewStatus.FAILED,
    WorkflowExecutionStatus.TIMED_OUT: ReviewStatus.FAILED,
    WorkflowExecutionStatus.CANCELED: ReviewStatus.CANCELLED,
}


async def start_review(client: Client, prefix: str, order: ReviewOrder, *, tier: str = "stable") -> None:
    """Start the process of a review; one that is known already is left alone.

    Args:
        client: whose namespace it runs in.
        prefix: of the task queues.
        order: the review.
        tier: `stable`, or `experimental` for a candidate's.

    Raises:
        RPCError: Temporal cannot be reached or refuses.
    """
    experts = ", ".join(order.experts)
    try:
        await client.start_workflow(
            ReviewWorkflow.run,
            order,
            id=review_workflow_id(order.review_id),
            task_queue=orchestration_queue(prefix),
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            execution_timeout=LONGEST_WAIT if order.wait_for_quota else LONGEST_REVIEW,
            static_summary=f"Review of {neutral_markdown(order.label)}",
            static_details=f"{order.files} files, mostly {order.main_language}, {order.mode}\n\nExperts: {experts}",
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(STATUS, ReviewStatus.RUNNING.value),
                    SearchAttributePair(MODE, order.mode.value),
                    SearchAttributePair(LANGUAGE, order.main_language.value),
                    SearchAttributePair(TIER, tier),
                ]
            ),
        )
    except WorkflowAlreadyStartedError:
        return


async def ended_as(client: Client, review_id: str) -> ReviewStatus | None:
    """How the process of a review ended without a report; None while it runs or when it completed.

    Raises:
        LookupError: Temporal knows no such process.
        RPCError: Temporal cannot be reached.
    """
    try:
        description = await client.get_workflow_handle(review_workflow_id(review_id)).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise LookupError from None
        raise
    return ENDED_AS.get(description.status) if description.status else None

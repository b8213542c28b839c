"""The reviews of an experiment's samples: children of its process, so many at once and no more."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from temporalio import workflow
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    TerminatedError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from activities.experiment import ExperimentActivities
    from activities.sample_reports import SampleReportActivities
    from models.experiment import Batch, ExperimentOrder, PrepareTask, SampleEnd, SampleRef
    from models.ids import review_workflow_id
    from models.order import ReviewOrder
    from models.review import ReviewStatus
    from workflows.options import EXPERIMENT_STORE, described
    from workflows.review import STATUS, ReviewWorkflow

TIER = SearchAttributeKey.for_keyword("ConclaveTier")
FOUND_BY = TypedSearchAttributes(
    [SearchAttributePair(STATUS, ReviewStatus.RUNNING.value), SearchAttributePair(TIER, "experimental")]
)

LONGEST_REVIEW = timedelta(hours=24)
LOOKS = 40
"""Times that the review of a lost process is looked at before its sample counts as an error: about half an hour."""
TOGETHER = 50
"""Reviews that one step publishes: a pause waits for it, and what a dead worker had of it is done anew."""
LONGEST_LOOK = timedelta(minutes=1)


Ending = asyncio.Task[list[SampleEnd]]
"""Samples that end together."""


class SampleReviews:
    """Runs reviews within a window over all batches; what becomes of one never ends the experiment."""

    def __init__(self, order: ExperimentOrder, over: Callable[[bool], None]) -> None:
        """Start nothing yet.

        Args:
            order: of the experiment.
            over: told at the end of every sample whether it failed.
        """
        self._order = order
        self._over = over
        # In the order of their begin, not a set: a replay must cancel them in the same order.
        self._active: dict[int, Ending] = {}
        self._stopping = False

    async def begin(self, batch: Batch, allowed: Callable[[], bool]) -> list[Ending]:
        """Begin every review of a batch as soon as the window has room; does not wait for their ends.

        Args:
            batch: the reviews.
            allowed: whether any may begin just now.
        """
        begun: list[Ending] = []
        if batch.template is None:
            return begun
        for samples in portions(batch.template, batch.samples):
            await workflow.wait_condition(lambda: len(self._active) < self._order.window and allowed())
            task = asyncio.create_task(self._portion(samples, batch.template))
            self._active[samples[0].number] = task
            begun.append(task)
        return begun

    async def cancelled(self) -> None:
        """Cancel what is under way, and wait for its end."""
        self._stopping = True
        await dropped(*self._active.values())

    async def _portion(self, samples: Sequence[SampleRef], template: ReviewOrder) -> list[SampleEnd]:
        """Samples to their ends; where they cannot be published together, each has a process of its own."""
        try:
            if only_to_publish(template, samples[0]):
                try:
                    return await self._published(samples)
                except ActivityError as error:
                    if is_cancelled_exception(error):
                        raise
            return [await self._ended(sample, order_for(sample, template)) for sample in samples]
        finally:
            del self._active[samples[0].number]

    async def _published(self, samples: Sequence[SampleRef]) -> list[SampleEnd]:
        """The reports of samples whose static halves are stored, and that no model is asked about."""
        first, count = samples[0].number, len(samples)
        summary = await workflow.execute_activity_method(
            SampleReportActivities.publish_samples,
            PrepareTask(experiment_id=self._order.experiment_id, first=first, count=count),
            **described(EXPERIMENT_STORE, f"reports of samples {first + 1} to {first + count}"),
        )
        for _ in samples:
            self._over(False)
        return [SampleEnd(review_id=each.review_id, seconds=summary.seconds / count) for each in samples]

    async def _ended(self, sample: SampleRef, order: ReviewOrder) -> SampleEnd:
        """One sample to its end; how it ended."""
        began = workflow.now()
        failure: str | None = None
        again = sample.done
        try:
            if not sample.done:
                again = await self._reviewed(sample, order)
        except (ChildWorkflowError, ActivityError, ApplicationError) as error:
            if self._stopping:
                raise
            failure = code_of(error)
        self._over(sample.failed or failure is not None)
        seconds = (workflow.now() - began).total_seconds()
        return SampleEnd(review_id=sample.review_id, seconds=seconds, cached=again, failure=failure)

    async def _reviewed(self, sample: SampleRef, order: ReviewOrder) -> bool:
        """Run the review, or wait for the one that a lost process began; whether it was there before."""
        for look in range(LOOKS):
            try:
                await workflow.execute_child_workflow(
                    ReviewWorkflow.run,
                    order,
                    id=review_workflow_id(sample.review_id),
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                    parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                    execution_timeout=LONGEST_REVIEW,
                    search_attributes=FOUND_BY,
                    static_summary=order.label,
                )
                return look > 0
            except WorkflowAlreadyStartedError:
                await workflow.sleep(min(timedelta(seconds=2**look), LONGEST_LOOK))
                if (await self._looked_up(sample)).done:
                    return True
        raise ApplicationError("review_stuck", type="review_stuck")

    async def _looked_up(self, sample: SampleRef) -> SampleRef:
        task = PrepareTask(experiment_id=self._order.experiment_id, first=sample.number, count=1)
        batch = await workflow.execute_activity_method(
            ExperimentActivities.list_reviews, task, **described(EXPERIMENT_STORE, f"{sample.label}: look again")
        )
        return batch.samples[0]


def portions(template: ReviewOrder, samples: Sequence[SampleRef]) -> Iterator[Sequence[SampleRef]]:
    """Runs of samples that have nothing left but to be published, and every other by itself."""
    for together, some in groupby(samples, lambda each: only_to_publish(template, each)):
        run, size = list(some), TOGETHER if together else 1
        for place in range(0, len(run), size):
            yield run[place : place + size]


def only_to_publish(template: ReviewOrder, sample: SampleRef) -> bool:
    """Whether nothing else is left of a sample's review."""
    return sample.prepared and not sample.done and not template.models_routed


def order_for(sample: SampleRef, template: ReviewOrder) -> ReviewOrder:
    """The whole order of one review."""
    own = {name: getattr(sample, name) for name in SampleRef.model_fields if name in ReviewOrder.model_fields}
    return template.model_copy(update=own)


def code_of(error: BaseException) -> str:
    """The code of what went wrong in an activity or a child."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ApplicationError) and cause.type:
            return cause.type
        if isinstance(cause, TerminatedError):
            return "terminated"
        if isinstance(cause, CancelledError):
            return "cancelled"
        cause = cause.__cause__
    return "timeout"


async def dropped(*tasks: "asyncio.Task[Any] | None") -> None:
    """Cancel tasks and wait for their ends, whatever those are."""
    held = [each for each in tasks if each is not None]
    for each in held:
        each.cancel()
    await asyncio.gather(*held, return_exceptions=True)

"""One comparison: both sides over the same samples at the same time, then the statistics."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, VersioningBehavior, WorkflowIDReusePolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from activities.comparison import ComparisonActivities
    from models.comparison import (
        ComparisonOrder,
        ComparisonOutcome,
        ComparisonStatus,
        ComparisonStatusTask,
        ComparisonSummary,
        ComparisonTask,
        Side,
    )
    from models.comparison_text import ADVICE
    from models.experiment import ExperimentOrder, ExperimentOutcome, ExperimentStatus
    from models.ids import experiment_workflow_id
    from models.text import neutral_markdown
    from workflows.experiment import ExperimentWorkflow
    from workflows.options import EVALUATE, EXPERIMENT_STORE, described
    from workflows.review import STATUS
    from workflows.sample_reviews import TIER, code_of, dropped

FOUND_BY = TypedSearchAttributes(
    [
        SearchAttributePair(STATUS, ExperimentStatus.RUNNING.value),
        SearchAttributePair(TIER, "experimental"),
    ]
)
LONGEST_RUN = timedelta(days=60)
TRIES = 240
"""Looks at a run that a lost process left, thirty seconds apart."""


@workflow.defn(name="comparison", versioning_behavior=VersioningBehavior.PINNED)
class ComparisonWorkflow:
    """Runs what is to be compared, round by round, and compares it. A run that fails decides nothing."""

    @workflow.init
    def __init__(self, order: ComparisonOrder) -> None:
        self._order = order
        self._round = 0

    @workflow.run
    async def run(self, order: ComparisonOrder) -> ComparisonOutcome:
        """Run to the end."""
        summary: ComparisonSummary | None = None
        failure: str | None = None
        try:
            self._show("begins")
            for number, pair in enumerate(order.rounds, 1):
                self._round = number
                self._show(f"{self._round_told}: both sides over {order.samples} samples")
                await self._both(*pair)
            self._show("statistics")
            summary = await self._compared()
            status = ComparisonStatus.COMPLETED
        except (asyncio.CancelledError, ActivityError, ChildWorkflowError, ApplicationError) as error:
            if is_cancelled_exception(error):
                await self._noted(ComparisonStatus.CANCELLED)
                raise
            failure = code_of(error)
            status = await self._noted(ComparisonStatus.FAILED, failure)
        workflow.upsert_search_attributes(  # pyright: ignore[reportUnknownMemberType]
            [STATUS.value_set(status.value)]
        )
        self._show(f"**{status}**: {failure if summary is None else _told(summary)}")
        return ComparisonOutcome(comparison_id=order.comparison_id, status=status, summary=summary, failure=failure)

    async def _both(self, v1: str, v2: str) -> None:
        """Both sides of a round. They share the time and the load, so neither has the better hour."""
        sides = [asyncio.create_task(self._measured(run, side)) for side, run in zip(Side, (v1, v2), strict=True)]
        try:
            for side in sides:
                await side
        except BaseException:
            await dropped(*sides)
            raise

    async def _measured(self, experiment_id: str, side: Side) -> None:
        """One run to its end.

        Raises:
            ApplicationError: it ended without results.
        """
        for _ in range(TRIES):
            try:
                outcome: ExperimentOutcome = await workflow.execute_child_workflow(
                    ExperimentWorkflow.run,
                    self._ordered(experiment_id),
                    id=experiment_workflow_id(experiment_id),
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                    execution_timeout=LONGEST_RUN,
                    search_attributes=FOUND_BY,
                    static_summary=f"{side}: {self._round_told} of {neutral_markdown(self._order.name)}",
                )
            except WorkflowAlreadyStartedError:
                await workflow.sleep(timedelta(seconds=30))
                continue
            if outcome.status is not ExperimentStatus.MEASURED:
                code = outcome.failure or f"run_{outcome.status}"
                raise ApplicationError(code, type=code, non_retryable=True)
            return
        raise ApplicationError("run_stuck", type="run_stuck", non_retryable=True)

    def _ordered(self, experiment_id: str) -> ExperimentOrder:
        window = max(1, ExperimentOrder.model_fields["window"].default // 2)
        return ExperimentOrder(
            experiment_id=experiment_id,
            name=self._order.name,
            samples=self._order.samples,
            window=window,
            analysis_queue=self._order.analysis_queue,
            models_queue=self._order.models_queue,
            gated=False,
        )

    async def _compared(self) -> ComparisonSummary:
        return await workflow.execute_activity_method(
            ComparisonActivities.compare_runs,
            ComparisonTask(comparison_id=self._order.comparison_id),
            **described(EVALUATE, "statistics over the pairs of both sides", self._order.analysis_queue),
        )

    async def _noted(self, status: ComparisonStatus, failure: str | None = None) -> ComparisonStatus:
        return await workflow.execute_activity_method(
            ComparisonActivities.note_comparison,
            ComparisonStatusTask(comparison_id=self._order.comparison_id, status=status, failure=failure),
            **described(EXPERIMENT_STORE, f"note that it is {status}"),
        )

    @property
    def _round_told(self) -> str:
        return f"round {self._round} of {len(self._order.rounds)}"

    def _show(self, said: str) -> None:
        workflow.set_current_details(f"{neutral_markdown(self._order.name)}: {said}")


def _told(summary: ComparisonSummary) -> str:
    """What came of it, in a line for people."""
    advice, why = ADVICE[summary.recommendation]
    return f"{advice}, by {summary.pairs} pairs of samples.\n\n{why}"

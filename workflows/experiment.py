"""One experiment: the same review as ever for every sample, then metrics, verdict, gate and what follows from them."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.experiment import ExperimentActivities
    from models.experiment import (
        Batch,
        ExperimentOrder,
        ExperimentOutcome,
        ExperimentState,
        ExperimentStatus,
        ExperimentTask,
        GateTask,
        PrepareSummary,
        PrepareTask,
        Progress,
        ResultsTask,
        SettleTask,
        StatusTask,
        spoken_seconds,
    )
    from models.failures import FailureType
    from models.text import neutral_markdown
    from workflows.options import EVALUATE, EXPERIMENT_STORE, GATE, PREPARE, described
    from workflows.review import STATUS
    from workflows.sample_reviews import Ending, SampleReviews, code_of, dropped

WHOLE = "reviews-whole"
"""Samples that no model is asked about: a batch is reviewed in one step. Before, the reports had steps of their own."""

QUARANTINING = frozenset({FailureType.CONFIG_QUARANTINED.value})
"""Failures that end an experiment as quarantined: somebody put its configuration on the blacklist meanwhile."""


@workflow.defn(name="experiment", versioning_behavior=VersioningBehavior.PINNED)
class ExperimentWorkflow:
    """Measures one configuration. A failed sample counts as wrong; a failed part of ours decides nothing."""

    @workflow.init
    def __init__(self, order: ExperimentOrder) -> None:
        self._order = order
        self._paused = order.state.paused
        self._holding = asyncio.Lock()
        self._over = order.state.done
        self._errors = order.state.errors
        self._worked = timedelta(seconds=order.state.seconds)
        self._since = workflow.now()
        self._opened = order.state.opened
        self._asks = order.state.asks
        self._evaluating = False
        self._gate = ""
        """What the policy said, for people."""

    @workflow.run
    async def run(self, order: ExperimentOrder) -> ExperimentOutcome:
        """Run to the end, or to the next run of the process."""
        failure: str | None = None
        try:
            self._show()
            status = await self._finished()
        except (asyncio.CancelledError, ActivityError) as error:
            if is_cancelled_exception(error):
                # Unless all was decided when the cancellation came.
                status = await self._noted(ExperimentStatus.CANCELLED)
                if status is ExperimentStatus.CANCELLED:
                    raise
            else:
                assert isinstance(error, ActivityError)
                failure = code_of(error)
                end = ExperimentStatus.QUARANTINED if failure in QUARANTINING else ExperimentStatus.FAILED
                status = await self._noted(end, failure)
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.upsert_search_attributes(  # pyright: ignore[reportUnknownMemberType]
            [STATUS.value_set(status.value)]
        )
        workflow.set_current_details(f"**{status}**{f' ({failure})' if failure else ''}: {self._told()}{self._gate}")
        return ExperimentOutcome(
            experiment_id=order.experiment_id, status=status, samples=self._over, errors=self._errors, failure=failure
        )

    @workflow.query
    def progress(self) -> Progress:
        """How far it is."""
        seconds = self._seconds()
        left = seconds / self._over * (self._order.samples - self._over) if self._over else None
        return Progress(
            samples=self._order.samples,
            done=self._over,
            errors=self._errors,
            paused=self._paused,
            seconds_left=None if left is None or self._paused else round(left, 1),
        )

    @workflow.update
    async def pause(self) -> Progress:
        """Begin no further sample; those that are under way end."""
        await self._hold(True)
        return self.progress()

    @pause.validator
    def _may_pause(self) -> None:
        if self._evaluating:
            raise ApplicationError("all samples are over", type="experiment_evaluating", non_retryable=True)

    @workflow.update
    async def resume(self) -> Progress:
        """Go on."""
        await self._hold(False)
        return self.progress()

    @workflow.signal(name="pause")
    async def pause_asked(self) -> None:
        """As the update, for who waits for no answer."""
        if not self._evaluating:
            await self._hold(True)

    @workflow.signal(name="resume")
    async def resume_asked(self) -> None:
        """As the update, for who waits for no answer."""
        await self._hold(False)

    async def _hold(self, paused: bool) -> None:
        async with self._holding:
            if self._paused == paused or self._evaluating:
                return
            if paused:
                self._worked, self._paused = timedelta(seconds=self._seconds()), True
            else:
                self._since, self._paused = workflow.now(), False
            self._show()
            status = ExperimentStatus.PAUSED if paused else ExperimentStatus.RUNNING
            if self._opened:
                await self._noted(status)

    async def _finished(self) -> ExperimentStatus:
        if not self._opened:
            bar = await workflow.execute_activity_method(
                ExperimentActivities.open_experiment,
                ExperimentTask(experiment_id=self._order.experiment_id),
                **described(EXPERIMENT_STORE, "fix the bar on the audit chain"),
            )
            self._asks = bar.models or not workflow.patched(WHOLE)
            async with self._holding:
                self._opened = True
                if self._paused:
                    await self._noted(ExperimentStatus.PAUSED)
        await self._samples()
        await self._past_pauses()
        if not self._order.gated:
            return await self._noted(ExperimentStatus.MEASURED)
        return await self._decided()

    async def _past_pauses(self) -> None:
        """From here on nothing is paused; what was noted of pauses is noted."""
        while not self._evaluating:
            await workflow.wait_condition(lambda: not self._paused)
            async with self._holding:
                self._evaluating = not self._paused

    async def _samples(self) -> None:
        """Batch after batch; the static analysis of the next runs beside the reviews of the current one.

        When a run has had its number of samples, it ends its reviews and hands over to the next.
        """
        order, first = self._order, self._order.state.done
        size = order.batch if self._asks else order.together
        last = min(order.samples, first + order.per_run) if self._asks else order.samples
        reviews = SampleReviews(order, self._sample_over)
        ready = asyncio.create_task(self._ready(first, size)) if first < last else None
        closing: list[asyncio.Task[None]] = []
        try:
            while ready is not None:
                batch = await ready
                first += size
                ready = asyncio.create_task(self._ready(first, size)) if first < last else None
                under_way = await reviews.begin(batch, lambda: not self._paused)
                closing.append(asyncio.create_task(self._closed(reviews, under_way)))
                if workflow.info().is_continue_as_new_suggested():
                    last = first
                    ready = await dropped(ready)
            for each in closing:
                await each
        except BaseException:
            # First the reviews: a task that waits for one would take its cancellation for the review's end.
            await reviews.cancelled()
            await dropped(ready, *closing)
            raise
        if last < order.samples:
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(order.model_copy(update={"state": self._state()}))

    async def _ready(self, first: int, size: int) -> Batch:
        """The reviews of a batch, their static analysis done; where that failed they do it themselves.

        Nothing is left to do for a batch that no model is asked about.
        """
        count = min(size, self._order.samples - first)
        task = PrepareTask(experiment_id=self._order.experiment_id, first=first, count=count)
        told = f"samples {first + 1} to {first + count}"
        step, what = ("prepare_samples", "static analysis") if self._asks else ("review_samples", "reviews")
        await workflow.wait_condition(lambda: not self._paused)
        try:
            summary = await workflow.execute_activity(
                step,
                task,
                result_type=PrepareSummary,
                **described(PREPARE, f"{what} of {told}", self._order.analysis_queue),
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
        else:
            if summary.over == count:
                self._samples_over(count, summary.lost)
                return Batch()
        return await workflow.execute_activity_method(
            ExperimentActivities.list_reviews, task, **described(EXPERIMENT_STORE, f"reviews of {told}")
        )

    async def _closed(self, reviews: SampleReviews, under_way: list[Ending]) -> None:
        """Note the results of a batch when all of it is over."""
        ends = tuple([end for each in under_way for end in await each])
        if ends:
            await workflow.execute_activity_method(
                ExperimentActivities.note_results,
                ResultsTask(experiment_id=self._order.experiment_id, ends=ends),
                **described(EXPERIMENT_STORE, f"note {len(ends)} results"),
            )

    async def _decided(self) -> ExperimentStatus:
        experiment = self._order.experiment_id
        assessment = await workflow.execute_activity_method(
            ExperimentActivities.evaluate_experiment,
            ExperimentTask(experiment_id=experiment),
            **described(EVALUATE, f"metrics and verdict over {self._over} samples", self._order.analysis_queue),
        )
        decision = await workflow.execute_activity_method(
            ExperimentActivities.gate_experiment,
            GateTask(experiment_id=experiment, assessment=assessment),
            **described(GATE, "ask the policy"),
        )
        self._gate = f"\n\nGate: **{decision.outcome}**\n\n" + "\n".join(f"- {each.told}" for each in decision.denials)
        return await workflow.execute_activity_method(
            ExperimentActivities.settle_experiment,
            SettleTask(experiment_id=experiment, assessment=assessment, decision=decision),
            **described(EXPERIMENT_STORE, f"settle: the gate says {decision.outcome}"),
        )

    async def _noted(self, status: ExperimentStatus, failure: str | None = None) -> ExperimentStatus:
        return await workflow.execute_activity_method(
            ExperimentActivities.note_status,
            StatusTask(experiment_id=self._order.experiment_id, status=status, failure=failure),
            **described(EXPERIMENT_STORE, f"note that it is {status}"),
        )

    def _sample_over(self, failed: bool) -> None:
        self._samples_over(1, failed)

    def _samples_over(self, count: int, failed: int) -> None:
        self._over += count
        self._errors += failed
        self._show()

    def _state(self) -> ExperimentState:
        return ExperimentState(
            opened=True,
            done=self._over,
            errors=self._errors,
            paused=self._paused,
            asks=self._asks,
            seconds=self._seconds(),
        )

    def _seconds(self) -> float:
        """Time spent so far, pauses left out."""
        running = timedelta(0) if self._paused else workflow.now() - self._since
        return (self._worked + running).total_seconds()

    def _show(self) -> None:
        workflow.set_current_details(f"{neutral_markdown(self._order.name)}: {self._told()}")

    def _told(self) -> str:
        """How far it is, for people."""
        now = self.progress()
        errors = f", {now.errors} errors" if now.errors else ""
        left = f", about {spoken_seconds(now.seconds_left)} left" if now.seconds_left else ""
        return f"{now.done} of {now.samples} samples{errors}{', paused' if now.paused else left}"

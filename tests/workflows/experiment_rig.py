"""An experiment whose world is in memory: steps that answer from a script, and reviews over fakes."""

import asyncio
import hashlib
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.experiment_ports import Experiments, SampleReview
from activities.ports import SourceUnknown, Text
from activities.review import ReviewActivities
from activities.sample_reports import SampleReportActivities
from models.experiment import (
    Assessment,
    Bar,
    Batch,
    ExperimentOrder,
    ExperimentOutcome,
    ExperimentState,
    ExperimentStatus,
    ExperimentTask,
    GateTask,
    PrepareSummary,
    PrepareTask,
    PublishSummary,
    ResultsTask,
    SampleEnd,
    SampleRef,
    SettleTask,
    StatusTask,
)
from models.expert import ExpertName
from models.gate import Decision, Outcome, PolicyName
from models.measure import Counts, Estimate, Latency, Metrics, Quality
from models.source import Language
from models.verdict import AiVerdict, Verdict
from tests.fakes import MemoryReviews, MemorySources, ScriptedAnalyst, ScriptedModels, order
from worker import workflow_runner
from workflows.experiment import ExperimentWorkflow
from workflows.review import ReviewWorkflow
from workflows.sample_reviews import order_for

SEC = ExpertName.SECURITY
BROKEN = "f" * 32
"""A source that cannot be read: the review of it fails."""


def no_estimate() -> Estimate:
    return Estimate(method="none")


def metrics(samples: int = 4, errors: int = 0) -> Metrics:
    """Numbers that say nothing."""
    nothing = no_estimate()
    counts = Counts(samples=samples, errors=errors)
    quality = Quality(counts=counts, **{name: nothing for name in Quality.model_fields if name != "counts"})
    return Metrics(
        quality=quality,
        error_rate=nothing,
        latency=Latency(p50=nothing, p95=nothing, p99=nothing),
        measured_at=datetime(2026, 11, 26, tzinfo=UTC),
    )


def decision(outcome: Outcome = Outcome.PASS) -> Decision:
    return Decision(
        outcome=outcome,
        policy=PolicyName.DEFAULT,
        policy_hash="policy:v1:sha256:" + "0" * 64,
        engine="regopy",
        input_hash="0" * 64,
    )


class Sources(MemorySources):
    """One of them cannot be read."""

    async def lines(self, source_id: str) -> Text:
        if source_id == BROKEN:
            raise SourceUnknown
        return await super().lines(source_id)


class World:
    """What the steps know and were asked. Numbers of samples in `broken` have reviews that fail."""

    def __init__(self, samples: int, broken: Sequence[int] = (), seconds: float = 0.0, *, asks: bool = True) -> None:
        """Make it.

        Args:
            samples: of the experiment.
            broken: numbers of those whose reviews fail.
            seconds: that an analysis takes.
            asks: whether the bar says that models are asked.
        """
        self.samples = samples
        self.asks = asks
        self.held: asyncio.Event | None = None
        """Whole reviews wait for it."""
        self.broken = set(broken)
        self.run = uuid.uuid4().hex
        self.analyst = ScriptedAnalyst({}, seconds)
        self.reviews = MemoryReviews()
        self.prepared: list[int] = []
        self.unprepared: set[int] = set()
        """First numbers of batches that cannot be prepared."""
        self.quarantined_from: int | None = None
        self.ends: dict[str, SampleEnd] = {}
        self.statuses: list[ExperimentStatus] = []
        self.settled: ExperimentStatus | None = None
        self.outcome = Outcome.PASS
        self.policy_failure: str | None = None
        self.done: set[int] = set()
        self.lost: set[int] = set()
        """Numbers of samples that an earlier process ended without a report."""
        self.seen: Counter[str] = Counter()

    def id_of(self, number: int) -> str:
        return hashlib.sha256(f"{self.run}:{number}".encode()).hexdigest()[:32]

    def ref(self, number: int) -> SampleRef:
        what = order()
        return SampleRef(
            number=number,
            review_id=self.id_of(number),
            source_id=BROKEN if number in self.broken else what.source_id,
            label=f"sample {number}",
            experts=(SEC,),
            complexity=what.complexity,
            main_language=Language.PYTHON,
            prepared=number in self.prepared,
            done=number in self.done or self.id_of(number) in self.reviews.ended,
        )

    @activity.defn
    async def open_experiment(self, task: ExperimentTask) -> Bar:
        self.seen["open"] += 1
        digest = "0" * 64
        return Bar(
            config_hash=f"cfg:v1:sha256:{digest}",
            dataset_hash=f"ds:v1:sha256:{digest}",
            policy=PolicyName.DEFAULT,
            policy_hash=f"policy:v1:sha256:{digest}",
            samples=self.samples,
            models=self.asks,
        )

    @activity.defn
    async def prepare_samples(self, task: PrepareTask) -> PrepareSummary:
        if task.first in self.unprepared:
            raise ApplicationError("analysis_failed", type="analysis_failed", non_retryable=True)
        self.prepared += range(task.first, task.first + task.count)
        return PrepareSummary(prepared=task.count)

    @activity.defn
    async def review_samples(self, task: PrepareTask) -> PrepareSummary:
        self.seen["review"] += 1
        if self.held:
            await self.held.wait()
        if self.quarantined_from is not None and task.first >= self.quarantined_from:
            raise ApplicationError("config_quarantined", type="config_quarantined", non_retryable=True)
        numbers = range(task.first, task.first + task.count)
        if self.broken & set(numbers):
            raise ApplicationError("source_unknown", type="source_unknown", non_retryable=True)
        await self.prepare_samples(task)
        refs = [self.ref(number) for number in numbers]
        acts = SampleReportActivities(cast(Experiments, Reviews(self)), Sources(), self.reviews, "test")
        await acts.publish_samples(task)
        await self.note_results(
            ResultsTask(
                experiment_id=self.run, ends=tuple(SampleEnd(review_id=ref.review_id) for ref in refs if not ref.done)
            )
        )
        return PrepareSummary(prepared=task.count, over=task.count, lost=len(self.lost & set(numbers)))

    @activity.defn
    async def list_reviews(self, task: PrepareTask) -> Batch:
        if self.quarantined_from is not None and task.first >= self.quarantined_from:
            # What was begun before is over, so that it is always the same that is under way.
            await until(lambda: len(self.ends) >= min(task.first, self.samples))
            await asyncio.sleep(0.5)
            raise ApplicationError("config_quarantined", type="config_quarantined", non_retryable=True)
        refs = tuple(self.ref(number) for number in range(task.first, task.first + task.count))
        queue = activity.info().task_queue
        return Batch(template=order(queue=queue, experts=(SEC,)), samples=refs)

    @activity.defn
    async def publish_samples(self, task: PrepareTask) -> PublishSummary:
        self.seen["publish"] += 1
        acts = SampleReportActivities(cast(Experiments, Reviews(self)), Sources(), self.reviews, "test")
        return await acts.publish_samples(task)

    @activity.defn
    async def note_results(self, task: ResultsTask) -> None:
        self.seen["note"] += 1
        for end in task.ends:
            assert end.review_id not in self.ends, "a sample ended twice"
            self.ends[end.review_id] = end

    @activity.defn
    async def note_status(self, task: StatusTask) -> ExperimentStatus:
        self.statuses.append(task.status)
        return self.settled or task.status

    @activity.defn
    async def evaluate_experiment(self, task: ExperimentTask) -> Assessment:
        errors = sum(end.failure is not None for end in self.ends.values())
        ai = AiVerdict(verdict=Verdict.PASS, confidence=0.9, judged_by="rules")
        return Assessment(metrics=metrics(len(self.ends), errors), ai=ai)

    @activity.defn
    async def gate_experiment(self, task: GateTask) -> Decision:
        if self.policy_failure is not None:
            raise ApplicationError(self.policy_failure, type=self.policy_failure, non_retryable=True)
        return decision(self.outcome)

    @activity.defn
    async def settle_experiment(self, task: SettleTask) -> ExperimentStatus:
        ends = {
            Outcome.PASS: ExperimentStatus.PASSED,
            Outcome.FAIL: ExperimentStatus.QUARANTINED,
            Outcome.INCONCLUSIVE: ExperimentStatus.INCONCLUSIVE,
        }
        self.settled = ends[task.decision.outcome]
        return self.settled

    @asynccontextmanager
    async def at_work(self, client: Client, queue: str, cached: int = 100) -> AsyncGenerator[None, None]:
        """A worker for as long as the context lasts."""
        acts = ReviewActivities(self.analyst, ScriptedModels({}), Sources(), self.reviews, "test")
        steps = [
            self.open_experiment,
            self.prepare_samples,
            self.review_samples,
            self.list_reviews,
            self.publish_samples,
            self.note_results,
            self.note_status,
            self.evaluate_experiment,
            self.gate_experiment,
            self.settle_experiment,
            acts.analyse_source,
            acts.consult_model,
            acts.judge_panel,
            acts.publish_report,
        ]
        async with Worker(
            client,
            task_queue=queue,
            workflows=[ExperimentWorkflow, ReviewWorkflow],
            activities=steps,
            workflow_runner=workflow_runner(),
            max_cached_workflows=cached,
        ):
            yield

    async def start(
        self,
        client: Client,
        queue: str,
        *,
        window: int = 4,
        batch: int = 4,
        together: int = 4,
        per_run: int = 1000,
        gated: bool = True,
    ) -> WorkflowHandle[ExperimentWorkflow, ExperimentOutcome]:
        what = ExperimentOrder(
            experiment_id=self.run,
            name="trial",
            samples=self.samples,
            window=window,
            batch=batch,
            together=together,
            per_run=per_run,
            analysis_queue=queue,
            models_queue=queue,
            gated=gated,
            state=ExperimentState(),
        )
        return await client.start_workflow(ExperimentWorkflow.run, what, id=f"experiment-{self.run}", task_queue=queue)


class Reviews:
    """The part of the port that publishing needs."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reviews(self, experiment_id: str, first: int, count: int) -> list[SampleReview]:
        refs = [self._world.ref(number) for number in range(first, first + count)]
        return [SampleReview(order_for(ref, order(experts=(SEC,))), done=ref.done) for ref in refs]


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)

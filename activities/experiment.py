"""The steps of an experiment that touch the world."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from temporalio import activity

from activities.baseline import baseline_of
from activities.error_mapping import translated
from activities.experiment_ports import (
    BarChanged,
    Blacklist,
    Datasets,
    Evaluator,
    Experiments,
    ModelAccess,
    PolicyEngine,
    SampleReview,
    StoredExperiment,
    Versions,
)
from activities.review import heartbeating
from models.experiment import (
    Assessment,
    Bar,
    Batch,
    Evaluation,
    ExperimentStatus,
    ExperimentTask,
    GateTask,
    PrepareTask,
    ResultsTask,
    SampleRef,
    SettleTask,
    StatusTask,
)
from models.gate import Decision, Outcome
from models.order import ReviewOrder
from models.report_hash import report_hash
from models.reviewer_config import config_hash

STATUS_OF = {
    Outcome.PASS: ExperimentStatus.PASSED,
    Outcome.FAIL: ExperimentStatus.QUARANTINED,
    Outcome.INCONCLUSIVE: ExperimentStatus.INCONCLUSIVE,
}


@asynccontextmanager
async def _alive() -> AsyncGenerator[None, None]:
    """Errors as coded failures, and a worker that dies is missed soon."""
    with translated():
        async with heartbeating():
            yield


class ExperimentActivities:
    """Open, list, note, evaluate, gate, settle. Every step gives the same again when it is run again."""

    def __init__(
        self,
        experiments: Experiments,
        datasets: Datasets,
        blacklist: Blacklist,
        versions: Versions,
        policies: PolicyEngine,
        evaluator: Evaluator,
        models: ModelAccess,
    ) -> None:
        self._experiments = experiments
        self._datasets = datasets
        self._blacklist = blacklist
        self._versions = versions
        self._policies = policies
        self._evaluator = evaluator
        self._models = models

    @activity.defn
    async def open_experiment(self, task: ExperimentTask) -> Bar:
        """Fix the bar before the first sample; an experiment whose bar is fixed must still be under it."""
        async with _alive():
            stored = await self._experiments.get(task.experiment_id)
            await self._blacklist.check(stored.config_hash)
            if stored.bar is not None:
                await self._check(stored, stored.bar)
                return await self._experiments.open(stored.id, stored.bar)
            dataset = await self._datasets.get(stored.dataset_id)
            wanted = stored.config.models.enabled
            bar = Bar(
                config_hash=stored.config_hash,
                dataset_hash=dataset.content_hash,
                policy=stored.policy,
                policy_hash=self._policies.hash_of(stored.policy),
                samples=len(stored.positions),
                models=wanted and await self._models.any_usable(stored.created_by, stored.config),
            )
            await self._check(stored, bar)
            return await self._experiments.open(stored.id, bar)

    async def _check(self, stored: StoredExperiment, bar: Bar) -> None:
        """Whether configuration, dataset and policy are what the bar says.

        Raises:
            BarChanged: they are not.
        """
        dataset = await self._datasets.get(stored.dataset_id)
        now = (config_hash(stored.config), dataset.content_hash, self._policies.hash_of(bar.policy))
        if now != (bar.config_hash, bar.dataset_hash, bar.policy_hash):
            raise BarChanged

    @activity.defn
    async def list_reviews(self, task: PrepareTask) -> Batch:
        """The reviews of some samples, unless the configuration was quarantined meanwhile."""
        async with _alive():
            stored = await self._experiments.get(task.experiment_id)
            await self._blacklist.check(stored.config_hash)
            return batch_of(task.first, await self._experiments.reviews(stored.id, task.first, task.count))

    @activity.defn
    async def note_results(self, task: ResultsTask) -> None:
        """Note that samples are over."""
        async with _alive():
            await self._experiments.note_results(task.ends)

    @activity.defn
    async def note_status(self, task: StatusTask) -> ExperimentStatus:
        """Note where an experiment stands; gives where it stands now, which an end keeps."""
        async with _alive():
            return await self._experiments.set_status(task.experiment_id, task.status, task.failure)

    @activity.defn
    async def evaluate_experiment(self, task: ExperimentTask) -> Assessment:
        """Metrics over all samples, and a verdict."""
        async with _alive():
            stored = await self._experiments.get(task.experiment_id)
            await self._experiments.set_status(stored.id, ExperimentStatus.EVALUATING)
            return await self._evaluator.assess(stored, self._experiments.results(stored.id))

    @activity.defn
    async def gate_experiment(self, task: GateTask) -> Decision:
        """What the policy says that was fixed at the start."""
        async with _alive():
            stored = await self._experiments.get(task.experiment_id)
            bar = _fixed(stored)
            await self._check(stored, bar)
            metrics = task.assessment.metrics
            baseline = await baseline_of(
                stored.config_hash, bar.dataset_hash, metrics, self._versions, self._experiments
            )
            facts = self._evaluator.facts(stored, task.assessment, baseline)
            return await self._policies.decide(bar.policy, facts)

    @activity.defn
    async def settle_experiment(self, task: SettleTask) -> ExperimentStatus:
        """End as the gate decided; failing it puts the configuration on the blacklist."""
        async with _alive():
            measured = task.assessment
            evaluation = Evaluation(
                metrics=measured.metrics,
                ai=measured.ai,
                decision=task.decision,
                report_hash=report_hash(measured.metrics, measured.ai, task.decision),
                evaluated_at=datetime.now(UTC),
            )
            status = STATUS_OF[task.decision.outcome]
            return await self._experiments.settle(task.experiment_id, evaluation, status)


def _fixed(stored: StoredExperiment) -> Bar:
    """The bar.

    Raises:
        BarChanged: there is none, although the experiment was opened.
    """
    if stored.bar is None:
        raise BarChanged
    return stored.bar


def batch_of(first: int, reviews: list[SampleReview]) -> Batch:
    """Reviews in few words: one order in full, of the others what differs."""
    shared = [name for name in SampleRef.model_fields if name in ReviewOrder.model_fields]
    refs = tuple(
        SampleRef(
            number=number,
            done=each.done,
            failed=each.failed,
            **{name: getattr(each.order, name) for name in shared},
        )
        for number, each in enumerate(reviews, first)
    )
    return Batch(template=reviews[0].order if reviews else None, samples=refs)

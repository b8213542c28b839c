"""The steps of an experiment over ports in memory: what is fixed, what is refused, what the gate is told."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.experiment import ExperimentActivities
from activities.experiment_ports import (
    ConfigQuarantined,
    PolicyMalformed,
    PolicyUnavailable,
    SampleResult,
    SampleReview,
    StoredExperiment,
)
from models.dataset import Dataset, DatasetStats
from models.experiment import (
    Assessment,
    Bar,
    Evaluation,
    ExperimentStatus,
    ExperimentTask,
    GateTask,
    PrepareTask,
    SampleEnd,
    SettleTask,
    StatusTask,
)
from models.gate import Decision, GateInput, Outcome, PolicyHash, PolicyName
from models.measure import Estimate
from models.report_hash import report_hash
from models.reviewer_config import ModelsConfig, ReviewerConfig, config_hash
from models.verdict import AiVerdict, Verdict
from models.version import Version, VersionStatus
from tests.fakes import order
from tests.workflows.experiment_rig import decision, metrics

CONFIG = ReviewerConfig()
DATA = "ds:v1:sha256:" + "1" * 64
POLICY = "policy:v1:sha256:" + "0" * 64
STATIC = ReviewerConfig(models=ModelsConfig(enabled=False))
TASK = ExperimentTask(experiment_id="e" * 32)
FACTS = GateInput.model_construct()


class World:
    """Every port, and what was asked of it."""

    def __init__(self, config: ReviewerConfig = CONFIG) -> None:
        self.stored = StoredExperiment(
            id=TASK.experiment_id,
            name="trial",
            config=config,
            config_hash=config_hash(config),
            dataset_id="d" * 32,
            positions=(0, 1, 2),
            policy=PolicyName.DEFAULT,
            status=ExperimentStatus.CREATED,
            bar=None,
            created_by="anna",
        )
        self.dataset_hash = DATA
        self.policy_hash: PolicyHash = POLICY
        self.quarantined = False
        self.usable = True
        self.stable_config: ReviewerConfig | None = CONFIG
        self.decided: Decision | Exception = decision()
        self.baselines: list[int | None] = []
        self.settled: list[tuple[Evaluation, ExperimentStatus]] = []
        self.statuses: list[ExperimentStatus] = []

    def acts(self) -> ExperimentActivities:
        port = cast(Any, self)
        return ExperimentActivities(port, port, port, port, port, port, port)

    # experiments and datasets share a name
    async def get(self, asked: str) -> Any:
        if asked == self.stored.id:
            return self.stored
        stats = DatasetStats(samples=3, clean=1, labels=2, groups=3, lines=9)
        return Dataset(
            id=asked,
            name="demo",
            version=1,
            content_hash=self.dataset_hash,
            stats=stats,
            created_by="anna",
            created_at=datetime.now(UTC),
        )

    async def open(self, experiment_id: str, bar: Bar) -> Bar:
        self.stored = replace(self.stored, bar=self.stored.bar or bar)
        assert self.stored.bar is not None
        return self.stored.bar

    async def reviews(self, experiment_id: str, first: int, count: int) -> list[SampleReview]:
        return [
            SampleReview(order(review_id=f"{number:032}", prepared=number == 1), done=number == 2)
            for number in range(first, first + count)
        ]

    async def note_results(self, ends: Sequence[SampleEnd]) -> None: ...

    def results(self, experiment_id: str) -> AsyncIterator[SampleResult]:
        raise AssertionError

    async def set_status(
        self, experiment_id: str, status: ExperimentStatus, failure: str | None = None
    ) -> ExperimentStatus:
        self.statuses.append(status)
        return status

    async def settle(self, experiment_id: str, evaluation: Evaluation, status: ExperimentStatus) -> ExperimentStatus:
        self.settled.append((evaluation, status))
        return status

    async def baseline_cost(self, config_hash: str, dataset_hash: str) -> int | None:
        return 40 if (config_hash, dataset_hash) == (self.stored.config_hash, DATA) else 70

    async def check(self, config_hash: str) -> None:
        if self.quarantined:
            raise ConfigQuarantined

    async def stable(self) -> Version:
        if self.stable_config is None:
            raise ConfigQuarantined
        return Version(
            id="v",
            number=1,
            config_hash=config_hash(self.stable_config),
            config=self.stable_config,
            status=VersionStatus.STABLE,
            promoted_by="conclave",
            promoted_at=datetime.now(UTC),
        )

    def hash_of(self, policy: PolicyName) -> PolicyHash:
        return self.policy_hash

    async def decide(self, policy: PolicyName, facts: GateInput) -> Decision:
        if isinstance(self.decided, Exception):
            raise self.decided
        return self.decided

    async def any_usable(self, user: str, config: ReviewerConfig) -> bool:
        assert user == "anna", "who made the experiment pays"
        return self.usable

    async def assess(self, experiment: StoredExperiment, results: object) -> Assessment:
        raise AssertionError

    def facts(self, experiment: StoredExperiment, assessment: Assessment, baseline: int | None) -> GateInput:
        self.baselines.append(baseline)
        return FACTS


async def run(step: Any, task: Any) -> Any:
    return await ActivityEnvironment().run(step, task)


async def refused(step: Any, task: Any) -> str | None:
    with pytest.raises(ApplicationError) as caught:
        await run(step, task)
    return caught.value.type


def assessment(cost: float | None = None) -> Assessment:
    measured = metrics().model_copy(update={"cost_per_analysis": Estimate(value=cost, method="none")})
    return Assessment(metrics=measured, ai=AiVerdict(verdict=Verdict.PASS, confidence=0.9, judged_by="rules"))


@pytest.mark.parametrize(
    ("config", "usable", "asked"), [(CONFIG, True, True), (CONFIG, False, False), (STATIC, True, False)]
)
async def test_the_bar_says_what_is_measured_and_whether_models_are_asked(
    config: ReviewerConfig, usable: bool, asked: bool
) -> None:
    world = World(config)
    world.usable = usable
    bar = await run(world.acts().open_experiment, TASK)
    assert bar == Bar(
        config_hash=config_hash(config),
        dataset_hash=DATA,
        policy=PolicyName.DEFAULT,
        policy_hash=POLICY,
        samples=3,
        models=asked,
    )
    world.usable = not usable
    assert await run(world.acts().open_experiment, TASK) == bar, "fixed is fixed"


async def test_a_quarantined_configuration_is_neither_opened_nor_gone_on_with() -> None:
    world = World()
    world.quarantined = True
    assert await refused(world.acts().open_experiment, TASK) == "config_quarantined"
    task = PrepareTask(experiment_id=TASK.experiment_id, first=0, count=3)
    assert await refused(world.acts().list_reviews, task) == "config_quarantined"
    assert world.stored.bar is None


@pytest.mark.parametrize("what", ["dataset", "policy", "config", "no bar"])
async def test_what_changed_since_the_bar_was_fixed_decides_nothing(what: str) -> None:
    world = World()
    await run(world.acts().open_experiment, TASK)
    if what == "dataset":
        world.dataset_hash = "ds:v1:sha256:" + "2" * 64
    elif what == "policy":
        world.policy_hash = "policy:v1:sha256:" + "2" * 64
    elif what == "config":
        world.stored = replace(world.stored, config=STATIC)
    else:
        world.stored = replace(world.stored, bar=None)
    gate = GateTask(experiment_id=TASK.experiment_id, assessment=assessment())
    assert await refused(world.acts().gate_experiment, gate) == "bar_changed"
    if what in ("dataset", "policy"):
        assert await refused(world.acts().open_experiment, TASK) == "bar_changed"


@pytest.mark.parametrize(
    ("stable", "cost", "baseline"),
    [(CONFIG, 12.6, 13), (CONFIG, None, None), (STATIC, 12.6, 70), (None, 12.6, None)],
    ids=["its own cost", "own, all cached", "that of the stable one", "stable is quarantined"],
)
async def test_costs_are_compared_with_the_stable_configuration(
    stable: ReviewerConfig | None, cost: float | None, baseline: int | None
) -> None:
    world = World()
    world.stable_config = stable
    await run(world.acts().open_experiment, TASK)
    gate = GateTask(experiment_id=TASK.experiment_id, assessment=assessment(cost))
    assert await run(world.acts().gate_experiment, gate) == decision()
    assert world.baselines == [baseline]


@pytest.mark.parametrize(
    ("error", "code", "final"),
    [(PolicyUnavailable(), "policy_unavailable", False), (PolicyMalformed(), "policy_malformed", False)],
)
async def test_an_engine_that_is_down_is_asked_again(error: Exception, code: str, final: bool) -> None:
    world = World()
    world.decided = error
    await run(world.acts().open_experiment, TASK)
    gate = GateTask(experiment_id=TASK.experiment_id, assessment=assessment())
    with pytest.raises(ApplicationError) as caught:
        await run(world.acts().gate_experiment, gate)
    assert (caught.value.type, caught.value.non_retryable) == (code, final)
    assert world.settled == []


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.PASS, ExperimentStatus.PASSED),
        (Outcome.FAIL, ExperimentStatus.QUARANTINED),
        (Outcome.INCONCLUSIVE, ExperimentStatus.INCONCLUSIVE),
    ],
)
async def test_the_gate_alone_decides_how_it_ends(outcome: Outcome, status: ExperimentStatus) -> None:
    world, what, said = World(), assessment(), decision(outcome)
    task = SettleTask(experiment_id=TASK.experiment_id, assessment=what, decision=said)
    assert await run(world.acts().settle_experiment, task) is status
    ((evaluation, _),) = world.settled
    assert evaluation.report_hash == report_hash(what.metrics, what.ai, said)


async def test_a_batch_is_one_order_and_what_differs() -> None:
    world = World()
    task = PrepareTask(experiment_id=TASK.experiment_id, first=1, count=2)
    batch = await run(world.acts().list_reviews, task)
    assert batch.template == order(review_id=f"{1:032}", prepared=True)
    assert [(each.number, each.review_id, each.prepared, each.done) for each in batch.samples] == [
        (1, f"{1:032}", True, False),
        (2, f"{2:032}", False, True),
    ]
    assert await run(world.acts().note_status, StatusTask(experiment_id="e" * 32, status=ExperimentStatus.PAUSED))
    assert world.statuses == [ExperimentStatus.PAUSED]

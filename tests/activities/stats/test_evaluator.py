"""From results to an assessment, and to what the policy is told."""

from typing import Any, cast

import pytest
from temporalio.testing import ActivityEnvironment

from activities.experiment_ports import (
    BarChanged,
    ConfigQuarantined,
    Experiments,
    ResultStream,
    SampleResult,
    StoredExperiment,
    Versions,
)
from activities.ports import CallIdentity
from activities.stats.evaluator import StatisticalEvaluator
from models.experiment import Assessment, ExperimentStatus
from models.gate import GateInput, PolicyName
from models.measure import Metrics
from models.reviewer_config import ReviewerConfig
from models.verdict import AiVerdict, Verdict
from models.verdict_rules import ruled
from models.version import Version
from tests.activities.stats.made import NOW, finding, label, report, result, sample
from tests.models.test_gate_facts import BAR

STABLE = f"cfg:v1:sha256:{'9' * 64}"


class Rules:
    """A judge without a model."""

    async def verdict(self, metrics: Metrics, facts: GateInput, owner: str, call: CallIdentity) -> AiVerdict:
        assert owner == "ann"
        return ruled(metrics, facts)


class Stream:
    """Results, one by one."""

    def __init__(self, results: list[SampleResult]) -> None:
        self._left = iter(results)

    def __aiter__(self) -> ResultStream:
        return self

    async def __anext__(self) -> SampleResult:
        for each in self._left:
            return each
        raise StopAsyncIteration


class World:
    """The stable version and what it cost."""

    def __init__(self, stable: str | None, cost: int | None) -> None:
        self._stable, self._cost = stable, cost
        self.asked: list[tuple[str, str]] = []

    async def stable(self) -> Version:
        if self._stable is None:
            raise ConfigQuarantined
        return Version.model_validate(
            {
                "id": "v" * 32,
                "number": 1,
                "config_hash": self._stable,
                "config": ReviewerConfig(),
                "status": "stable",
                "promoted_by": "conclave",
                "promoted_at": NOW,
            }
        )

    async def baseline_cost(self, config_hash: str, dataset_hash: str) -> int | None:
        self.asked.append((config_hash, dataset_hash))
        return self._cost

    async def tokens(self, experiment_id: str) -> int:
        return 700 if experiment_id == "e" * 32 else 0


def evaluator(world: World) -> StatisticalEvaluator:
    return StatisticalEvaluator(Rules(), cast(Versions, world), cast(Experiments, world), "1.2.3")


def experiment(**changes: Any) -> StoredExperiment:
    base: dict[str, Any] = {
        "id": "e" * 32,
        "name": "x",
        "config": ReviewerConfig(),
        "config_hash": BAR.config_hash,
        "dataset_id": "d" * 32,
        "positions": tuple(range(200)),
        "policy": PolicyName.DEFAULT,
        "status": ExperimentStatus.EVALUATING,
        "bar": BAR,
        "created_by": "ann",
    }
    return StoredExperiment(**base | changes)


def good(cost: int = 0) -> Stream:
    """Two hundred samples, all judged right."""
    labelled = [label(5)]
    return Stream(
        [
            result(sample(n, *labelled[: n % 2]), report(*[finding(5)] * (n % 2), cost_micro_usd=cost))
            for n in range(200)
        ]
    )


async def assessed(world: World, stream: Stream, **changes: Any) -> Assessment:
    return await ActivityEnvironment().run(evaluator(world).assess, experiment(**changes), stream)


async def test_good_numbers_pass_against_the_stable_cost() -> None:
    world = World(STABLE, 100)
    found = await assessed(world, good(cost=110))
    assert found.ai.verdict is Verdict.PASS
    assert "An analysis costs +10.0%, which is below +20%." in found.ai.reasons
    assert world.asked == [(STABLE, BAR.dataset_hash)]
    facts = evaluator(world).facts(experiment(), found, 100)
    assert (facts.n, facts.accuracy, facts.cost_increase, facts.ai_verdict) == (200, 1.0, 0.1, "pass")
    assert facts.accuracy_low is not None
    assert facts.accuracy_low > 0.98
    assert (found.metrics.versions["conclave"], found.metrics.tokens) == ("1.2.3", 700)


@pytest.mark.parametrize(
    ("stable", "cost", "own", "verdict"),
    [(STABLE, 100, 120, "fail"), (STABLE, None, 120, "manual_review"), (None, 100, 120, "manual_review")],
    ids=["a fifth dearer", "never measured", "stable quarantined"],
)
async def test_what_costs_too_much_or_cannot_be_compared(
    stable: str | None, cost: int | None, own: int, verdict: str
) -> None:
    assert (await assessed(World(stable, cost), good(own))).ai.verdict == verdict


async def test_the_stable_configuration_is_compared_with_itself() -> None:
    world = World(BAR.config_hash, None)
    assert (await assessed(world, good(500))).ai.verdict is Verdict.PASS
    assert world.asked == []


async def test_without_a_bar_nothing_is_judged() -> None:
    with pytest.raises(BarChanged):
        await assessed(World(STABLE, 0), good(), bar=None)

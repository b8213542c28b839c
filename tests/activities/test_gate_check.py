"""The gate, asked again: with the numbers that were measured, against what is stable now."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from activities.experiment_ports import ConfigQuarantined, StoredExperiment
from activities.gate_check import GateCheck
from models.experiment import Assessment, Bar, Evaluation, ExperimentStatus
from models.gate import Decision, GateInput, Outcome, PolicyHash, PolicyName
from models.reviewer_config import ReviewerConfig, config_hash
from models.verdict import AiVerdict, Verdict
from models.version import Version, VersionStatus
from tests.activities.passed import POLICY, a_config, decision, metrics

CONFIG = a_config()
DATASET = f"ds:v1:sha256:{'3' * 64}"
BAR = Bar(
    config_hash=config_hash(CONFIG),
    dataset_hash=DATASET,
    policy=PolicyName.STRICT,
    policy_hash=POLICY,
    samples=150,
)
STORED = StoredExperiment(
    id="e",
    name="variant",
    config=CONFIG,
    config_hash=config_hash(CONFIG),
    dataset_id="d",
    positions=tuple(range(150)),
    policy=PolicyName.STRICT,
    status=ExperimentStatus.PASSED,
    bar=BAR,
    created_by="ann",
)


def evaluation() -> Evaluation:
    return Evaluation.model_validate(
        {
            "metrics": metrics(),
            "ai": AiVerdict(verdict=Verdict.PASS, confidence=1, judged_by="rules"),
            "decision": decision(Outcome.PASS),
            "report_hash": f"report:v1:sha256:{'1' * 64}",
            "evaluated_at": "2026-11-26T00:00:00Z",
        }
    )


@dataclass
class World:
    """Everything that the check asks, in one."""

    stored: StoredExperiment = STORED
    measured: Evaluation | None = None
    stable_config: ReviewerConfig | None = None
    """None: it is quarantined."""
    told: Any = None

    async def get(self, experiment_id: str) -> StoredExperiment:
        return self.stored

    async def evaluation(self, experiment_id: str) -> Evaluation | None:
        return self.measured

    async def baseline_cost(self, config_hash: str, dataset_hash: str) -> int | None:
        assert dataset_hash == DATASET
        return 777

    async def stable(self) -> Version:
        if self.stable_config is None:
            raise ConfigQuarantined
        return Version.model_validate(
            {
                "id": "v",
                "number": 1,
                "config_hash": config_hash(self.stable_config),
                "config": self.stable_config,
                "status": VersionStatus.STABLE,
                "promoted_by": "conclave",
                "promoted_at": "2026-11-26T00:00:00Z",
            }
        )

    def facts(self, experiment: StoredExperiment, assessment: Assessment, baseline_micro_usd: int | None) -> GateInput:
        self.told = baseline_micro_usd
        return GateInput(experiment_id="e", config_hash="c", dataset_hash=DATASET, policy_hash=POLICY, n=150)

    async def assess(self, experiment: StoredExperiment, results: Any) -> Assessment:
        raise NotImplementedError

    def hash_of(self, policy: PolicyName) -> PolicyHash:
        return POLICY

    async def decide(self, policy: PolicyName, facts: GateInput) -> Decision:
        assert policy is PolicyName.STRICT
        return decision(Outcome.FAIL)


async def asked(world: World) -> Decision | None:
    return await GateCheck(world, world, world, world).decide("e")


@pytest.mark.parametrize(
    ("stable", "baseline"),
    [(ReviewerConfig(), 777), (None, None), (CONFIG, round(metrics().cost_per_analysis_micro_usd or 0))],
    ids=["another", "quarantined", "itself"],
)
async def test_costs_are_held_against_what_is_stable_now(stable: ReviewerConfig | None, baseline: int | None) -> None:
    world = World(measured=evaluation(), stable_config=stable)
    found = await asked(world)
    assert found is not None and found.outcome is Outcome.FAIL
    assert world.told == baseline


async def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert await asked(World()) is None
    assert await asked(World(stored=replace(STORED, bar=None), measured=evaluation())) is None

"""The gate, asked again about an experiment that is over: against what is stable now."""

from typing import Protocol

from activities.baseline import baseline_of
from activities.experiment_ports import Evaluator, PolicyEngine, StoredExperiment, Versions
from models.experiment import Assessment, Evaluation
from models.gate import Decision
from models.gate_facts import SamplesMissing


class Measured(Protocol):
    """What experiments measured. Every method raises StoreUnavailable and ExperimentUnknown."""

    async def get(self, experiment_id: str) -> StoredExperiment: ...

    async def evaluation(self, experiment_id: str) -> Evaluation | None: ...

    async def baseline_cost(self, config_hash: str, dataset_hash: str) -> int | None: ...


class GateCheck:
    """The port `Gate`. Asks the policy that was fixed, with the numbers that were measured and the present baseline."""

    def __init__(self, experiments: Measured, versions: Versions, policies: PolicyEngine, evaluator: Evaluator) -> None:
        self._experiments = experiments
        self._versions = versions
        self._policies = policies
        self._evaluator = evaluator

    async def decide(self, experiment_id: str) -> Decision | None:
        stored = await self._experiments.get(experiment_id)
        evaluation = await self._experiments.evaluation(experiment_id)
        if stored.bar is None or evaluation is None:
            return None
        assessment = Assessment(metrics=evaluation.metrics, ai=evaluation.ai)
        baseline = await baseline_of(
            stored.config_hash, stored.bar.dataset_hash, evaluation.metrics, self._versions, self._experiments
        )
        try:
            facts = self._evaluator.facts(stored, assessment, baseline)
        except SamplesMissing:
            return None
        return await self._policies.decide(stored.bar.policy, facts)

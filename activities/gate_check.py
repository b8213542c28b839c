"""The gate, asked again about an experiment that is over: against what is stable now."""

from typing import Protocol

from activities.experiment_ports import ConfigQuarantined, Evaluator, PolicyEngine, StoredExperiment, Versions
from models.experiment import Assessment, Evaluation
from models.gate import Decision
from models.gate_facts import SamplesMissing
from models.measure import Metrics


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
        baseline = await self._baseline(stored, stored.bar.dataset_hash, evaluation.metrics)
        try:
            facts = self._evaluator.facts(stored, assessment, baseline)
        except SamplesMissing:
            return None
        return await self._policies.decide(stored.bar.policy, facts)

    async def _baseline(self, stored: StoredExperiment, dataset_hash: str, metrics: Metrics) -> int | None:
        try:
            stable = await self._versions.stable()
        except ConfigQuarantined:
            return None
        if stable.config_hash == stored.config_hash:
            own = metrics.cost_per_analysis_micro_usd
            return None if own is None else round(own)
        return await self._experiments.baseline_cost(stable.config_hash, dataset_hash)

"""Evaluates an experiment: numbers of its results, a verdict of numbers, facts for the policy of both."""

from datetime import UTC, datetime

from temporalio import activity

from activities.baseline import baseline_of
from activities.experiment_ports import (
    BarChanged,
    Experiments,
    ResultStream,
    StoredExperiment,
    Versions,
)
from activities.ports import CallIdentity
from activities.stats.bounds import one_sided
from activities.stats.metrics import measured
from activities.verdict import Judge
from models.experiment import Assessment, Bar
from models.gate import GateInput
from models.gate_facts import gate_facts


class StatisticalEvaluator:
    """The port `Evaluator`."""

    def __init__(self, judge: Judge, versions: Versions, experiments: Experiments, version: str) -> None:
        """Evaluate with a judge.

        Args:
            judge: says what the numbers mean.
            versions: which configuration costs are compared with.
            experiments: what it cost on the same dataset.
            version: of conclave, noted with the numbers.
        """
        self._judge = judge
        self._versions = versions
        self._experiments = experiments
        self._version = version

    async def assess(self, experiment: StoredExperiment, results: ResultStream) -> Assessment:
        bar = _bar(experiment)
        metrics = await measured(
            results,
            measured_at=datetime.now(UTC),
            versions={"conclave": self._version},
            tokens=await self._experiments.tokens(experiment.id),
        )
        baseline = await baseline_of(bar.config_hash, bar.dataset_hash, metrics, self._versions, self._experiments)
        facts = gate_facts(experiment.id, bar, metrics, one_sided(metrics), baseline)
        info = activity.info()
        call = CallIdentity(info.workflow_id or "", info.attempt)
        return Assessment(metrics=metrics, ai=await self._judge.verdict(metrics, facts, experiment.created_by, call))

    def facts(self, experiment: StoredExperiment, assessment: Assessment, baseline_micro_usd: int | None) -> GateInput:
        metrics = assessment.metrics
        return gate_facts(
            experiment.id,
            _bar(experiment),
            metrics,
            one_sided(metrics),
            baseline_micro_usd,
            assessment.ai.verdict.value,
        )


def _bar(experiment: StoredExperiment) -> Bar:
    if experiment.bar is None:
        raise BarChanged
    return experiment.bar

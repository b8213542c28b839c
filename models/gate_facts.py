"""What the policy is told of an experiment: facts, their one-sided bounds, and no judgement."""

import math
from dataclasses import dataclass
from decimal import Decimal

from models.experiment import Bar
from models.gate import GateInput
from models.measure import Metrics


class SamplesMissing(Exception):
    """Not as many samples were counted as the bar promises; numbers over fewer decide nothing."""

    def __init__(self) -> None:
        super().__init__("samples_missing")


@dataclass(frozen=True, slots=True)
class OneSided:
    """95 % bounds, one-sided; None where there is nothing to count over."""

    accuracy_low: float | None = None
    accuracy_high: float | None = None
    error_rate_low: float | None = None
    error_rate_high: float | None = None


def gate_facts(
    experiment_id: str,
    bar: Bar,
    metrics: Metrics,
    bounds: OneSided,
    baseline_micro_usd: int | None,
    ai_verdict: str | None = None,
) -> GateInput:
    """The input of the policy.

    Args:
        experiment_id: noted.
        bar: what was fixed before the first sample.
        metrics: what was measured under it.
        bounds: of accuracy and error rate, by the same counts.
        baseline_micro_usd: mean cost of an analysis by the stable configuration; None: it was never measured.
        ai_verdict: what the Version Control AI says.

    Raises:
        SamplesMissing: not every sample of the bar was counted.
    """
    if metrics.quality.counts.samples != bar.samples:
        raise SamplesMissing
    mean = metrics.cost_per_analysis
    # Bounds are rounded outwards: what is between them before stays between them.
    cost = None if mean.value is None else round(mean.value)
    low = None if mean.low is None else math.floor(mean.low)
    high = None if mean.high is None else math.ceil(mean.high)
    return GateInput(
        experiment_id=experiment_id,
        config_hash=bar.config_hash,
        dataset_hash=bar.dataset_hash,
        policy_hash=bar.policy_hash,
        n=metrics.quality.counts.samples,
        accuracy=metrics.quality.accuracy.value,
        accuracy_low=bounds.accuracy_low,
        accuracy_high=bounds.accuracy_high,
        error_rate=metrics.error_rate.value,
        error_rate_low=bounds.error_rate_low,
        error_rate_high=bounds.error_rate_high,
        cost_micro_usd=cost,
        baseline_cost_micro_usd=baseline_micro_usd,
        cost_increase=cost_increase(cost, baseline_micro_usd),
        cost_increase_low=cost_increase(low, baseline_micro_usd),
        cost_increase_high=cost_increase(high, baseline_micro_usd),
        ai_verdict=ai_verdict,
    )


def cost_increase(cost: int | None, baseline: int | None) -> float | None:
    """Relative increase of the mean cost over the stable configuration's.

    By decimal numbers: with binary ones an increase by a fifth can look like less than 0.2. What costs nothing cannot
    cost more than anything, measured or not: then it is 0. Over nothing, or over what is not known, there is none.
    """
    if cost is None:
        return None
    if not baseline:
        return 0.0 if cost == 0 else None
    return float((Decimal(cost) - Decimal(baseline)) / Decimal(baseline))

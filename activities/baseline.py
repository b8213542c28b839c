"""What a candidate's cost is held against."""

from typing import Protocol

from activities.experiment_ports import ConfigQuarantined, Versions
from models.measure import Metrics


class Costs(Protocol):
    """What analyses cost in earlier experiments. Raises StoreUnavailable."""

    async def baseline_cost(self, config_hash: str, dataset_hash: str) -> int | None:
        """Mean micro-USD of an analysis by a configuration on a dataset; None: never measured."""
        ...


async def baseline_of(
    config_hash: str, dataset_hash: str, metrics: Metrics, versions: Versions, costs: Costs
) -> int | None:
    """Mean micro-USD of an analysis by the stable configuration on the same dataset.

    Args:
        config_hash: of the candidate; if that is the stable one, its own cost is the baseline.
        dataset_hash: of the dataset.
        metrics: what was measured of the candidate.
        versions: which configuration is stable.
        costs: what that cost.

    Returns:
        None where it was never measured, or where the stable configuration is quarantined.
    """
    try:
        stable = await versions.stable()
    except ConfigQuarantined:
        return None
    if stable.config_hash == config_hash:
        own = metrics.cost_per_analysis_micro_usd
        return None if own is None else round(own)
    return await costs.baseline_cost(stable.config_hash, dataset_hash)

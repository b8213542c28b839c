"""Reads the runs of a comparison and has them compared."""

from collections.abc import Callable, Sequence
from datetime import datetime

from activities.comparison_ports import Comparisons, Prices, RunTotals, StoredComparison
from activities.stats.apart import apart
from activities.stats.comparing import Evidence, Runs, compare
from activities.stats.observed import Observation, observed
from models.comparison import ComparisonReport, Side


class StatisticalComparer:
    """The port `Comparer`."""

    def __init__(self, comparisons: Comparisons, prices: Prices, now: Callable[[], datetime], version: str) -> None:
        """Work on a store.

        Args:
            comparisons: the store.
            prices: what calls cost now.
            now: the time.
            version: of conclave, noted with the numbers.
        """
        self._comparisons = comparisons
        self._prices = prices
        self._now = now
        self._version = version

    async def report(self, comparison: StoredComparison) -> ComparisonReport:
        evidence = Evidence(
            comparison=comparison,
            v1=await self._runs(comparison.sides[Side.V1].experiment_ids),
            v2=await self._runs(comparison.sides[Side.V2].experiment_ids),
            prices_changed=comparison.prices not in (None, await self._prices.fingerprint()),
            generated_at=self._now(),
            conclave=self._version,
        )
        return await apart(compare, evidence)

    async def _runs(self, experiment_ids: Sequence[str]) -> Runs:
        found: list[Observation] = []
        totals: list[RunTotals] = []
        for repeat, experiment_id in enumerate(experiment_ids, 1):
            found += [observed(each, repeat) async for each in self._comparisons.results(experiment_id)]
            totals.append(await self._comparisons.totals(experiment_id))
        return Runs(tuple(found), tuple(totals))

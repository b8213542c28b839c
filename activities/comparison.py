"""The steps of a comparison that touch the world."""

from temporalio import activity

from activities.comparison_ports import Comparer, Comparisons
from activities.error_mapping import translated
from activities.review import heartbeating
from models.comparison import ComparisonStatus, ComparisonStatusTask, ComparisonSummary, ComparisonTask


class ComparisonActivities:
    """Compare and note. Every step gives the same again when it is run again."""

    def __init__(self, comparisons: Comparisons, comparer: Comparer) -> None:
        self._comparisons = comparisons
        self._comparer = comparer

    @activity.defn
    async def note_comparison(self, task: ComparisonStatusTask) -> ComparisonStatus:
        """Note where a comparison stands; gives where it stands now, which an end keeps."""
        with translated():
            async with heartbeating():
                return await self._comparisons.set_status(task.comparison_id, task.status, task.failure)

    @activity.defn
    async def compare_runs(self, task: ComparisonTask) -> ComparisonSummary:
        """Compare the results of both sides and keep the report."""
        with translated():
            async with heartbeating():
                stored = await self._comparisons.get(task.comparison_id)
                await self._comparisons.set_status(stored.id, ComparisonStatus.COMPARING)
                report = await self._comparer.report(stored)
                await self._comparisons.settle(report)
        return ComparisonSummary(
            recommendation=report.recommendation, confidence=report.confidence, pairs=report.pairing.paired
        )

"""The reports of samples that ask no models: many in one step, each as the review of the sample alone would make it."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from temporalio import activity

from activities.error_mapping import translated
from activities.experiment_ports import Experiments
from activities.panel import Panel
from activities.ports import ReviewStore, SourceStore, Statics, Text
from activities.review import heartbeating
from models.experiment import PrepareTask, PublishSummary
from models.expert import ExpertName, StaticResult
from models.opinion import Opinion
from models.order import ReviewOrder, prepared_task
from models.review import ReviewReport


class ReadAhead:
    """What a panel reads, of many reviews, read before; what it stores is kept until all is stored at once."""

    def __init__(self, texts: Mapping[str, Text], statics: Mapping[str, Statics]) -> None:
        self._texts = texts
        self._statics = statics
        self.saved: list[tuple[str, StaticResult, float]] = []

    async def lines(self, source_id: str) -> Text:
        return self._texts[source_id]

    async def start_expert(self, review_id: str, expert: ExpertName) -> StaticResult | None:
        stored = self._statics[review_id].get(expert)
        return None if stored is None else stored[0]

    async def save_static(self, review_id: str, result: StaticResult, seconds: float) -> None:
        self._statics[review_id][result.expert] = (result, seconds)
        self.saved.append((review_id, result, seconds))

    async def static_results(self, review_id: str) -> Statics:
        return self._statics[review_id]

    async def opinion(self, review_id: str, expert: ExpertName, attempt: int) -> Opinion | None:
        """Nothing: no model was asked."""
        return None


class SampleReportActivities:
    """Judges and publishes as the last step of `ReviewWorkflow` does, for a small part of what many steps cost."""

    def __init__(self, experiments: Experiments, sources: SourceStore, reviews: ReviewStore, version: str) -> None:
        self._experiments = experiments
        self._sources = sources
        self._reviews = reviews
        self._version = version

    @activity.defn
    async def publish_samples(self, task: PrepareTask) -> PublishSummary:
        """Publish what is prepared of some samples and asks no models; what is published already stays as it is."""
        began = time.monotonic()
        with translated():
            async with heartbeating():
                every = await self._experiments.reviews(task.experiment_id, task.first, task.count)
                orders = [each.order for each in every if not each.done and only_to_publish(each.order)]
                if orders:
                    await self._publish(orders)
        return PublishSummary(published=len(orders), seconds=round(time.monotonic() - began, 3))

    async def _publish(self, orders: Sequence[ReviewOrder]) -> None:
        texts = await self._sources.lines_many([order.source_id for order in orders])
        statics = await self._reviews.static_results_many([order.review_id for order in orders])
        reports, judged = await reports_of(orders, texts, statics, self._version)
        await self._reviews.save_statics(judged)
        await self._reviews.publish(reports)


async def reports_of(
    orders: Sequence[ReviewOrder], texts: Mapping[str, Text], statics: Mapping[str, Statics], version: str
) -> tuple[list[ReviewReport], list[tuple[str, StaticResult, float]]]:
    """The reports of reviews that no model is asked about, each as the last step of `ReviewWorkflow` makes it.

    Args:
        orders: of the reviews.
        texts: manifest and lines of their sources, by source id.
        statics: their static halves, by review id; what the panel itself says is added.
        version: of this service.

    Returns:
        The reports, and what the panel itself says, by review; nothing is stored yet.
    """
    read = ReadAhead(texts, statics)
    panel = Panel(read, read, version)
    reports: list[ReviewReport] = []
    for order in orders:
        task = prepared_task(order)
        if task.judge:
            await panel.judged(task)
        reports.append(await panel.assembled(task))
        await asyncio.sleep(0)  # nothing here waits for anything: others would not get a word in, the heartbeat neither
    return reports, read.saved


def only_to_publish(order: ReviewOrder) -> bool:
    """Whether nothing else is left of a review."""
    return order.prepared and not order.models_routed

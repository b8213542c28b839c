"""Batches of samples: their static halves, and their whole reviews where no model is asked."""

import asyncio
import time
from collections.abc import Container, Iterator, Sequence

from temporalio import activity

from activities.batch_analysis import BatchAnalysis, Static
from activities.error_mapping import translated
from activities.experiment_ports import Blacklist, Experiments
from activities.ports import BatchAnalyst, ReviewStore, SourceStore
from activities.review import heartbeating
from activities.sample_reports import reports_of
from models.experiment import PrepareSummary, PrepareTask, SampleEnd
from models.order import ReviewOrder

PORTION = 50
"""Reviews that are published together."""
AT_ONCE = 3
"""Portions under way: while the store takes one, the reports of the next are made."""
GROUP = 4_000_000
"""Characters that are analysed together, so that long samples neither fill the memory nor are lost by hundreds."""


class PrepareActivities:
    """Works on batches. What is stored of a review is passed over, so a batch may be worked on again."""

    def __init__(
        self,
        experiments: Experiments,
        blacklist: Blacklist,
        analyst: BatchAnalyst,
        sources: SourceStore,
        reviews: ReviewStore,
        version: str,
    ) -> None:
        self._experiments = experiments
        self._blacklist = blacklist
        self._analysis = BatchAnalysis(analyst, sources, reviews)
        self._sources = sources
        self._reviews = reviews
        self._version = version

    @activity.defn
    async def prepare_samples(self, task: PrepareTask) -> PrepareSummary:
        """Run the analysers over some samples of an experiment and store what they found for each review."""
        began = time.monotonic()
        with translated():
            async with heartbeating():
                every = await self._experiments.reviews(task.experiment_id, task.first, task.count)
                prepared = await self._prepare([each.order for each in every if not each.done])
        return PrepareSummary(prepared=prepared, seconds=_since(began))

    @activity.defn
    async def review_samples(self, task: PrepareTask) -> PrepareSummary:
        """The whole reviews of some samples; where models are asked, what `prepare_samples` does.

        Does with few statements what `ReviewWorkflow` does in a handful of steps a sample.
        """
        began = time.monotonic()
        with translated():
            async with heartbeating():
                config = (await self._experiments.get(task.experiment_id)).config_hash
                await self._blacklist.check(config)
                every = await self._experiments.reviews(task.experiment_id, task.first, task.count)
                left = [each.order for each in every if not each.done]
                if any(order.models_routed for order in left):
                    return PrepareSummary(prepared=await self._prepare(left), seconds=_since(began))
                for group in _groups(left):
                    await self._review(group)
                    await self._blacklist.check(config)
                # Published by a try of this step that was killed before it could note them; a first word stays.
                before = [SampleEnd(review_id=each.order.review_id, cached=True) for each in every if each.done]
                await self._experiments.note_results(before)
        return PrepareSummary(
            prepared=len(left), over=len(every), lost=sum(each.failed for each in every), seconds=_since(began)
        )

    async def _prepare(self, orders: Sequence[ReviewOrder]) -> int:
        """Analyse what is not stored yet, store it, and note what a sample's part of the time is; how many it were."""
        fresh = [order for order in orders if not order.prepared]
        if fresh:
            analysed = await self._analysis.of(fresh)
            await self._reviews.save_statics(analysed.statics)
            await self._experiments.note_batch([order.review_id for order in fresh], analysed.each_seconds)
        return len(fresh)

    async def _review(self, orders: Sequence[ReviewOrder]) -> None:
        analysed = await self._analysis.of([order for order in orders if not order.prepared])
        made: dict[str, list[Static]] = {}
        for static in analysed.statics:
            made.setdefault(static[0], []).append(static)
        saving, publishing = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)

        async def portion(some: Sequence[ReviewOrder]) -> None:
            now = [static for order in some for static in made.pop(order.review_id, ())]
            async with saving:
                await self._store(some, now, analysed.each_seconds)
            async with publishing:
                await self._publish(some, now, analysed.stored)

        portions = [portion(orders[place : place + PORTION]) for place in range(0, len(orders), PORTION)]
        # What one portion stumbles over is no reason to leave the others half done.
        for end in await asyncio.gather(*portions, return_exceptions=True):
            if end is not None:
                raise end

    async def _store(self, orders: Sequence[ReviewOrder], now: Sequence[Static], each_seconds: float) -> None:
        """Keep the static halves that were made now: whatever happens from here on, they are not made again."""
        await self._reviews.save_statics(now)
        fresh = [order.review_id for order in orders if not order.prepared]
        await self._experiments.note_batch(fresh, each_seconds)

    async def _publish(self, orders: Sequence[ReviewOrder], now: Sequence[Static], before: Container[str]) -> None:
        """Judge, publish and note.

        Args:
            orders: of the reviews.
            now: their static halves that were made just now.
            before: reviews some of whose static halves were stored before.
        """
        began = time.monotonic()
        texts = await self._sources.lines_many([order.source_id for order in orders])
        stored = [each.review_id for each in orders if each.prepared or each.review_id in before]
        statics = {order.review_id: {} for order in orders} | await self._reviews.static_results_many(stored)
        for review_id, result, seconds in now:
            statics[review_id][result.expert] = (result, seconds)
        reports, judged = await reports_of(orders, texts, statics, self._version)
        await self._reviews.save_statics(judged)
        await self._reviews.publish(reports)
        seconds = _since(began) / len(orders)
        ends = [SampleEnd(review_id=order.review_id, seconds=seconds) for order in orders]
        await self._experiments.note_results(ends)


def _groups(orders: Sequence[ReviewOrder]) -> Iterator[list[ReviewOrder]]:
    """Reviews in their order, each group of no more than `GROUP` characters or of one."""
    group: list[ReviewOrder] = []
    characters = 0
    for order in orders:
        characters += order.complexity.code_length
        if group and characters > GROUP:
            yield group
            group, characters = [], order.complexity.code_length
        group.append(order)
    if group:
        yield group


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)

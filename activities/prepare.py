"""The static halves of many samples' reviews, made at once."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import activity

from activities.error_mapping import translated
from activities.experiment_ports import Experiments
from activities.ports import BatchAnalyst, ReviewStore, SourceBatch, SourceStore
from activities.review import heartbeating
from models.experiment import PrepareSummary, PrepareTask
from models.expert import ExpertName, StaticResult
from models.order import ReviewOrder


@dataclass(frozen=True, slots=True)
class Made:
    """One static half, not stored yet."""

    review_id: str
    result: StaticResult

    @property
    def tool_seconds(self) -> float:
        """How long its analysers ran."""
        return sum(run.seconds for run in self.result.tools)


class PrepareActivities:
    """Analyses batches. A review whose static halves are stored is passed over, so a batch may be prepared again."""

    def __init__(
        self, experiments: Experiments, analyst: BatchAnalyst, sources: SourceStore, reviews: ReviewStore
    ) -> None:
        self._experiments = experiments
        self._analyst = analyst
        self._sources = sources
        self._reviews = reviews

    @activity.defn
    async def prepare_samples(self, task: PrepareTask) -> PrepareSummary:
        """Run the analysers over some samples of an experiment and store what they found for each review."""
        began = time.monotonic()
        with translated():
            async with heartbeating():
                every = await self._experiments.reviews(task.experiment_id, task.first, task.count)
                orders = [each.order for each in every if not (each.done or each.order.prepared)]
                if orders:
                    await self._prepare(orders)
        return PrepareSummary(prepared=len(orders), seconds=round(time.monotonic() - began, 3))

    async def _prepare(self, orders: Sequence[ReviewOrder]) -> None:
        """Analyse what is not stored yet, store it, and note what a sample's part of the time is."""
        ids = [order.review_id for order in orders]
        before = await self._reviews.static_seconds(ids)
        missing: dict[tuple[ExpertName, tuple[str, ...]], list[ReviewOrder]] = {}
        for order in orders:
            for expert in order.experts:
                if expert is not ExpertName.META and expert not in before.get(order.review_id, {}):
                    missing.setdefault((expert, order.analysis.tools_off), []).append(order)
        began = time.monotonic()
        made = await self._made(missing) if missing else []
        statics = shared_out(made, time.monotonic() - began)
        await self._reviews.save_statics(statics)
        spent = sum(seconds for _, _, seconds in statics) + sum(sum(each.values()) for each in before.values())
        await self._experiments.note_batch(ids, spent / len(ids))

    async def _made(self, missing: dict[tuple[ExpertName, tuple[str, ...]], list[ReviewOrder]]) -> list[Made]:
        """All experts at once; a source that several reviews share is laid out once."""
        source_ids = list(dict.fromkeys(order.source_id for orders in missing.values() for order in orders))
        async with self._sources.checkout_many(source_ids) as batch:
            tree_of = dict(zip(source_ids, batch.trees, strict=True))

            async def one(expert: ExpertName, tools_off: tuple[str, ...], orders: list[ReviewOrder]) -> list[Made]:
                wanted = list(dict.fromkeys(order.source_id for order in orders))
                part = SourceBatch(batch.root, tuple(tree_of[source_id] for source_id in wanted))
                results = await self._analyst.analyse_many(expert, part, tools_off)
                result_of = dict(zip(wanted, results, strict=True))
                return [Made(order.review_id, result_of[order.source_id]) for order in orders]

            done = await asyncio.gather(*(one(*what, orders) for what, orders in missing.items()))
        return [each for some in done for each in some]


def shared_out(made: Sequence[Made], seconds: float) -> list[tuple[str, StaticResult, float]]:
    """Static halves with their parts of the seconds that they took together, by how long their analysers ran.

    The parts add up to the whole: a sum over the tools would not, for they run beside each other.
    """
    spent = [each.tool_seconds for each in made]
    total = sum(spent)
    return [
        (each.review_id, each.result, seconds * (mine / total if total else 1 / len(made)))
        for each, mine in zip(made, spent, strict=True)
    ]

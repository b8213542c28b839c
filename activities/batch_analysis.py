"""The static halves of many samples' reviews, made at once."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from activities.ports import BatchAnalyst, ReviewStore, SourceBatch, SourceStore
from models.expert import ExpertName, StaticResult
from models.order import ReviewOrder

Static = tuple[str, StaticResult, float]
"""One static half: review, result, seconds."""


@dataclass(frozen=True, slots=True)
class Made:
    """One static half, before the time is shared out."""

    review_id: str
    result: StaticResult

    @property
    def tool_seconds(self) -> float:
        """How long its analysers ran."""
        return sum(run.seconds for run in self.result.tools)


@dataclass(frozen=True, slots=True)
class Analysed:
    """What the static analysis of a batch gave."""

    statics: Sequence[Static] = ()
    """Made now, and not stored yet."""
    stored: frozenset[str] = frozenset()
    """Reviews some of whose static halves were stored before."""
    each_seconds: float = 0.0
    """A sample's part of the time that all took."""


class BatchAnalysis:
    """Analyses what is not stored yet of reviews."""

    def __init__(self, analyst: BatchAnalyst, sources: SourceStore, reviews: ReviewStore) -> None:
        self._analyst = analyst
        self._sources = sources
        self._reviews = reviews

    async def of(self, orders: Sequence[ReviewOrder]) -> Analysed:
        """Run the analysers over the sources of reviews; none of them is prepared."""
        if not orders:
            return Analysed()
        before = await self._reviews.static_seconds([order.review_id for order in orders])
        missing: dict[tuple[ExpertName, tuple[str, ...]], list[ReviewOrder]] = {}
        for order in orders:
            for expert in order.experts:
                if expert is not ExpertName.META and expert not in before.get(order.review_id, {}):
                    missing.setdefault((expert, order.analysis.tools_off), []).append(order)
        began = time.monotonic()
        made = await self._made(missing) if missing else []
        statics = shared_out(made, time.monotonic() - began)
        spent = sum(seconds for _, _, seconds in statics) + sum(sum(each.values()) for each in before.values())
        return Analysed(statics, frozenset(before), spent / len(orders))

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


def shared_out(made: Sequence[Made], seconds: float) -> list[Static]:
    """Static halves with their parts of the seconds that they took together, by how long their analysers ran.

    The parts add up to the whole: a sum over the tools would not, for they run beside each other.
    """
    spent = [each.tool_seconds for each in made]
    total = sum(spent)
    return [
        (each.review_id, each.result, seconds * (mine / total if total else 1 / len(made)))
        for each, mine in zip(made, spent, strict=True)
    ]

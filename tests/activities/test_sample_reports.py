"""Reports made together are those that each review would have made alone."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from temporalio.testing import ActivityEnvironment

from activities.experiment_ports import Experiments, SampleReview
from activities.review import ReviewActivities
from activities.sample_reports import SampleReportActivities
from models.experiment import PrepareTask, PublishSummary
from models.expert import CoverageStatus, ExpertName
from models.order import ReviewOrder, prepared_task
from models.review import ReviewMode
from tests.fakes import (
    MemoryReviews,
    MemorySources,
    ScriptedAnalyst,
    ScriptedModels,
    finding,
    order,
    static,
)

SEC, META = ExpertName.SECURITY, ExpertName.META
TASK = PrepareTask(experiment_id="e" * 32, first=0, count=10)


class MemoryExperiments:
    """The part of the port that publishing needs."""

    def __init__(self, reviews: Sequence[SampleReview]) -> None:
        self._reviews = reviews

    async def reviews(self, experiment_id: str, first: int, count: int) -> list[SampleReview]:
        return list(self._reviews[first : first + count])


def prepared(number: int, **changes: object) -> ReviewOrder:
    return order().model_copy(update={"review_id": f"{number:032x}", "prepared": True} | changes)


async def store_of(orders: Sequence[ReviewOrder]) -> MemoryReviews:
    """What was prepared: security found something, quality could not look, the others found nothing."""
    store = MemoryReviews()
    for each in orders:
        for expert in each.experts:
            if expert is SEC:
                await store.save_static(each.review_id, static(expert, finding()), 1.0)
            elif expert is ExpertName.QUALITY:
                await store.save_static(each.review_id, static(expert, status=CoverageStatus.FAILED), 1.0)
            elif expert is not META:
                await store.save_static(each.review_id, static(expert), 1.0)
    return store


async def published(store: MemoryReviews, *reviews: SampleReview) -> PublishSummary:
    acts = SampleReportActivities(cast(Experiments, MemoryExperiments(reviews)), MemorySources(), store, "test")
    return await ActivityEnvironment().run(acts.publish_samples, TASK)


def said(store: MemoryReviews, review_id: str) -> dict[str, Any]:
    """A report without its times."""
    report = store.reports[review_id].model_dump(exclude={"generated_at"})
    for expert in report["experts"]:
        del expert["seconds"]
    return report


@pytest.mark.parametrize("experts", [tuple(ExpertName), (SEC,), (SEC, META)])
@pytest.mark.parametrize("mode", list(ReviewMode))
async def test_a_report_is_the_one_of_a_review_alone(mode: ReviewMode, experts: tuple[ExpertName, ...]) -> None:
    orders = [prepared(number, mode=mode, experts=experts) for number in range(3)]
    together, alone = await store_of(orders), await store_of(orders)
    summary = await published(together, *(SampleReview(each, done=False) for each in orders))
    assert summary.published == 3
    one_by_one = ReviewActivities(ScriptedAnalyst({}), ScriptedModels({}), MemorySources(), alone, "test")
    for each in orders:
        await ActivityEnvironment().run(one_by_one.publish_report, prepared_task(each))
        assert said(together, each.review_id) == said(alone, each.review_id)
        assert together.statics[each.review_id].keys() == alone.statics[each.review_id].keys()
    assert said(together, orders[0].review_id)["findings"], "security's finding is reported"


async def test_what_is_over_asks_models_or_is_not_prepared_is_left() -> None:
    orders = [prepared(0), prepared(1, models_routed=True), prepared(2, prepared=False), prepared(3)]
    store = await store_of(orders)
    done = [SampleReview(each, done=place == 0) for place, each in enumerate(orders)]
    assert (await published(store, *done)).published == 1
    assert list(store.reports) == [orders[3].review_id]

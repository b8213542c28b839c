"""Batches of samples: each review is prepared once, whatever is repeated."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.experiment_ports import Blacklist, ConfigQuarantined, Experiments, SampleReview
from activities.panel import MANY
from activities.ports import IsolationUnavailable, SourceBatch, StoreUnavailable
from activities.prepare import GROUP, PrepareActivities
from activities.sample_reports import SampleReportActivities
from models.assembly import assemble
from models.config import AnalysisConfig
from models.experiment import PrepareSummary, PrepareTask, SampleEnd
from models.expert import ExpertName, StaticResult, ToolRun
from models.review import ReviewReport
from tests.fakes import MemoryReviews, MemorySources, finding, order, static

SEC, QUALITY, META = ExpertName.SECURITY, ExpertName.QUALITY, ExpertName.META
TASK = PrepareTask(experiment_id="e" * 32, first=0, count=10)


def wanted(number: int, *, done: bool = False, **changes: object) -> SampleReview:
    own: dict[str, object] = {
        "review_id": f"{number:032x}",
        "source_id": f"{number:032x}",
        "experts": (SEC, QUALITY, META),
    }
    return SampleReview(order().model_copy(update=own | changes), done=done)


@dataclass
class Stored:
    """What is asked of an experiment."""

    config_hash: str = "cfg:v1:sha256:" + "0" * 64


class MemoryExperiments:
    """The part of the port that batches need."""

    def __init__(self, *reviews: SampleReview) -> None:
        self._reviews = reviews
        self.noted: list[tuple[tuple[str, ...], float]] = []
        self.ends: dict[str, SampleEnd] = {}

    async def get(self, experiment_id: str) -> Stored:
        return Stored()

    async def note_results(self, ends: Sequence[SampleEnd]) -> None:
        for end in ends:
            self.ends.setdefault(end.review_id, end)

    async def reviews(self, experiment_id: str, first: int, count: int) -> list[SampleReview]:
        return list(self._reviews[first : first + count])

    async def note_batch(self, review_ids: Sequence[str], seconds: float) -> None:
        self.noted.append((tuple(review_ids), seconds))


class MemoryBlacklist:
    """Lets everything pass, or nothing."""

    def __init__(self) -> None:
        self.closed = False
        self.asked = 0
        self.closes_at = 0

    async def check(self, config_hash: str) -> None:
        self.asked += 1
        if self.closed or self.asked == self.closes_at:
            raise ConfigQuarantined


class CountingAnalyst:
    """Finds nothing, and says how many sources it was shown; security takes three times as long as quality."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[tuple[ExpertName, int, tuple[str, ...]]] = []
        self._error = error

    async def analyse_many(
        self, expert: ExpertName, batch: SourceBatch, tools_off: Sequence[str] = ()
    ) -> list[StaticResult]:
        if self._error:
            raise self._error
        self.calls.append((expert, len(batch.trees), tuple(tools_off)))
        run = ToolRun(tool="t", version="1", seconds=3.0 if expert is SEC else 1.0, files=1)
        return [static(expert).model_copy(update={"tools": (run,)}) for _ in batch.trees]


class Rig:
    def __init__(self, *reviews: SampleReview, error: Exception | None = None) -> None:
        self.experiments = MemoryExperiments(*reviews)
        self.analyst = CountingAnalyst(error)
        self.store = MemoryReviews()
        self.blacklist = MemoryBlacklist()
        self.acts = PrepareActivities(
            cast(Experiments, self.experiments),
            cast(Blacklist, self.blacklist),
            self.analyst,
            MemorySources(),
            self.store,
            "test",
        )

    async def prepare(self, task: PrepareTask = TASK) -> PrepareSummary:
        return await ActivityEnvironment().run(self.acts.prepare_samples, task)

    async def review(self, task: PrepareTask = TASK) -> PrepareSummary:
        return await ActivityEnvironment().run(self.acts.review_samples, task)


async def test_every_expert_sees_all_samples_at_once() -> None:
    rig = Rig(*map(wanted, range(4)))
    summary = await rig.prepare()
    assert summary.prepared == 4
    assert sorted(rig.analyst.calls) == sorted([(SEC, 4, ()), (QUALITY, 4, ())])
    assert {name for each in rig.store.statics.values() for name in each} == {SEC, QUALITY}
    assert len(rig.store.statics) == 4


async def test_the_time_is_shared_out_by_the_work_and_adds_up() -> None:
    rig = Rig(*map(wanted, range(4)))
    await rig.prepare()
    ((ids, each),) = rig.experiments.noted
    assert len(ids) == 4
    for review_id in ids:
        seconds = {name: spent for name, (_, spent) in rig.store.statics[review_id].items()}
        assert sum(seconds.values()) == pytest.approx(each)
        assert seconds[SEC] == pytest.approx(3 * seconds[QUALITY])


async def test_only_the_samples_that_are_asked_for() -> None:
    rig = Rig(*map(wanted, range(5)))
    await rig.prepare(TASK.model_copy(update={"first": 1, "count": 2}))
    assert sorted(rig.store.statics) == [f"{number:032x}" for number in (1, 2)]


async def test_what_is_over_or_prepared_is_passed_over() -> None:
    rig = Rig(wanted(0, done=True), wanted(1, prepared=True), wanted(2))
    assert (await rig.prepare()).prepared == 1
    assert {count for _, count, _ in rig.analyst.calls} == {1}
    nothing = Rig(wanted(0, done=True))
    assert (await nothing.prepare()).prepared == 0
    assert nothing.analyst.calls == nothing.experiments.noted == []


async def test_what_was_stored_before_a_crash_is_not_made_again() -> None:
    rig = Rig(*map(wanted, range(3)))
    await rig.store.save_static(f"{0:032x}", static(SEC), 5.0)
    await rig.prepare()
    assert sorted(rig.analyst.calls) == sorted([(SEC, 2, ()), (QUALITY, 3, ())])
    assert rig.store.statics[f"{0:032x}"][SEC][1] == 5.0
    before = rig.experiments.noted[0][1]
    await rig.prepare()  # the note was lost, the results were not
    assert len(rig.analyst.calls) == 2
    assert rig.experiments.noted[1][1] == pytest.approx(before)


async def test_reviews_of_one_source_share_its_analysis() -> None:
    rig = Rig(*(wanted(number, source_id="5" * 32) for number in range(3)))
    await rig.prepare()
    assert {count for _, count, _ in rig.analyst.calls} == {1}
    assert len(rig.store.statics) == 3


async def test_the_configuration_reaches_the_analysers() -> None:
    off = AnalysisConfig(tools_off=("ruff",))
    rig = Rig(wanted(0, analysis=off), wanted(1, analysis=off, experts=(SEC,)))
    await rig.prepare()
    assert sorted(rig.analyst.calls) == sorted([(SEC, 2, ("ruff",)), (QUALITY, 1, ("ruff",))])


async def test_failures_have_codes() -> None:
    with pytest.raises(ApplicationError) as caught:
        await Rig(wanted(0), error=IsolationUnavailable("os.system")).prepare()
    assert (caught.value.type, caught.value.message) == ("isolation_unavailable", "isolation_unavailable")
    assert caught.value.non_retryable


async def test_a_batch_that_asks_no_model_is_reviewed_whole() -> None:
    rig = Rig(*map(wanted, range(120)))
    summary = await rig.review(TASK.model_copy(update={"count": 120}))
    assert (summary.prepared, summary.over, summary.lost) == (120, 120, 0)
    assert sorted(rig.analyst.calls) == sorted([(SEC, 120, ()), (QUALITY, 120, ())])
    assert len(rig.store.reports) == len(rig.experiments.ends) == 120
    assert all(not end.cached and end.failure is None and end.seconds > 0 for end in rig.experiments.ends.values())
    noted = [review_id for ids, _ in rig.experiments.noted for review_id in ids]
    assert len(noted) == len(set(noted)) == 120
    assert {seconds for _, seconds in rig.experiments.noted} == {rig.experiments.noted[0][1]}


async def test_its_reports_are_those_of_steps_of_their_own() -> None:
    together, apart = Rig(*map(wanted, range(3))), Rig(*map(wanted, range(3)))
    await together.review()
    await apart.prepare()
    published = SampleReportActivities(
        cast(Experiments, MemoryExperiments(*(wanted(number, prepared=True) for number in range(3)))),
        MemorySources(),
        apart.store,
        "test",
    )
    await ActivityEnvironment().run(published.publish_samples, TASK)
    assert said(together.store) == said(apart.store)


async def test_what_a_killed_try_left_is_used() -> None:
    """Over and not noted; prepared and not published; half analysed; untouched; ended without a report."""
    over, prepared = wanted(0, done=True), wanted(1, prepared=True)
    lost = SampleReview(wanted(4).order, done=True, failed=True)
    rig = Rig(over, prepared, wanted(2), wanted(3), lost)
    for expert in (SEC, QUALITY):
        await rig.store.save_static(prepared.order.review_id, static(expert, finding()), 5.0)
    await rig.store.save_static(f"{2:032x}", static(SEC, finding()), 5.0)
    summary = await rig.review()
    assert (summary.prepared, summary.over, summary.lost) == (3, 5, 1)
    assert sorted(rig.analyst.calls) == sorted([(SEC, 1, ()), (QUALITY, 2, ())])
    assert len(rig.store.reports[f"{1:032x}"].findings) == len(rig.store.reports[f"{2:032x}"].findings) == 1
    assert sorted(rig.store.reports) == [f"{number:032x}" for number in (1, 2, 3)]
    assert len(rig.experiments.ends) == 5
    assert [review_id for ids, _ in rig.experiments.noted for review_id in ids] == [f"{2:032x}", f"{3:032x}"]


async def test_where_models_are_asked_a_batch_is_prepared_alone() -> None:
    rig = Rig(wanted(0, models_routed=True), wanted(1, models_routed=True, prepared=True))
    summary = await rig.review()
    assert (summary.prepared, summary.over) == (1, 0)
    assert rig.store.reports == rig.experiments.ends == {}


async def test_a_quarantined_configuration_is_not_run() -> None:
    rig = Rig(wanted(0))
    rig.blacklist.closed = True
    with pytest.raises(ApplicationError) as caught:
        await rig.review()
    assert (caught.value.type, caught.value.non_retryable) == ("config_quarantined", True)
    assert rig.analyst.calls == []


async def test_a_store_that_fails_while_reports_are_published_has_its_code() -> None:
    rig = Rig(*map(wanted, range(120)))

    async def away(reports: Sequence[ReviewReport]) -> None:
        raise StoreUnavailable

    rig.store.publish = away
    with pytest.raises(ApplicationError) as caught:
        await rig.review(TASK.model_copy(update={"count": 120}))
    assert (caught.value.type, caught.value.non_retryable) == ("store_unavailable", False)
    assert rig.experiments.ends == {}


async def test_what_one_portion_stumbles_over_costs_the_others_nothing() -> None:
    rig = Rig(*map(wanted, range(120)))
    publish = rig.store.publish

    async def broken(reports: Sequence[ReviewReport]) -> None:
        if any(report.review_id == f"{60:032x}" for report in reports):
            raise StoreUnavailable
        await asyncio.sleep(0.2)
        await publish(reports)

    rig.store.publish = broken
    with pytest.raises(ApplicationError):
        await rig.review(TASK.model_copy(update={"count": 120}))
    assert len(rig.store.reports) == len(rig.experiments.ends) == 70
    assert len(rig.store.statics) == sum(len(ids) for ids, _ in rig.experiments.noted) == 120

    reviews = [
        SampleReview(wanted(number, prepared=True).order, done=f"{number:032x}" in rig.store.reports)
        for number in range(120)
    ]
    again = Rig(*reviews)
    again.store = rig.store
    again.acts = PrepareActivities(
        cast(Experiments, again.experiments),
        cast(Blacklist, again.blacklist),
        again.analyst,
        MemorySources(),
        rig.store,
        "test",
    )
    rig.store.publish = publish
    assert (await again.review(TASK.model_copy(update={"count": 120}))).over == 120
    assert again.analyst.calls == [] and len(rig.store.reports) == 120


async def test_what_was_over_before_is_no_measurement_of_time() -> None:
    rig = Rig(wanted(0, done=True), wanted(1))
    await rig.review()
    assert {each.review_id: each.cached for each in rig.experiments.ends.values()} == {
        f"{0:032x}": True,
        f"{1:032x}": False,
    }


def long(number: int) -> SampleReview:
    """A sample of which two are analysed together, and not three."""
    size = order().complexity.model_copy(update={"code_length": GROUP * 2 // 5})
    return wanted(number, complexity=size)


async def test_long_samples_are_analysed_in_groups() -> None:
    rig = Rig(*map(long, range(5)), wanted(5))
    assert (await rig.review()).over == 6
    assert [count for expert, count, _ in rig.analyst.calls if expert is SEC] == [2, 2, 2]
    assert len(rig.store.reports) == len(rig.experiments.ends) == 6
    huge = Rig(wanted(0, complexity=order().complexity.model_copy(update={"code_length": GROUP + 1})))
    assert (await huge.review()).over == 1


@pytest.mark.parametrize(("closes_at", "over"), [(2, 2), (4, 5)], ids=["between groups", "in the last group"])
async def test_a_configuration_that_is_quarantined_meanwhile_goes_no_further(closes_at: int, over: int) -> None:
    rig = Rig(*map(long, range(5)))
    rig.blacklist.closes_at = closes_at
    with pytest.raises(ApplicationError) as caught:
        await rig.review()
    assert caught.value.type == "config_quarantined"
    assert len(rig.store.reports) == over


async def test_long_thought_about_a_report_is_no_sign_of_death(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: Any) -> ReviewReport:
        time.sleep(1.6)
        return assemble(*args)

    monkeypatch.setattr("activities.panel.assemble", slow)
    rig, beats = Rig(wanted(0, prepared=True)), list[object]()
    found = [finding(line_start=number, line_end=number) for number in range(1, MANY + 2)]
    await rig.store.save_static(f"{0:032x}", static(SEC, *found), 1.0)
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *_: beats.append(None)
    await environment.run(rig.acts.review_samples, TASK)
    assert beats


def said(store: MemoryReviews) -> list[dict[str, Any]]:
    """Reports without their times."""
    told = [store.reports[each].model_dump(exclude={"generated_at"}) for each in sorted(store.reports)]
    for report in told:
        for expert in report["experts"]:
            del expert["seconds"]
    return told

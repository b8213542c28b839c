"""Batches of samples: each review is prepared once, whatever is repeated."""

from collections.abc import Sequence
from typing import cast

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.experiment_ports import Experiments, SampleReview
from activities.ports import IsolationUnavailable, SourceBatch
from activities.prepare import PrepareActivities
from models.config import AnalysisConfig
from models.experiment import PrepareSummary, PrepareTask
from models.expert import ExpertName, StaticResult, ToolRun
from tests.fakes import MemoryReviews, MemorySources, order, static

SEC, QUALITY, META = ExpertName.SECURITY, ExpertName.QUALITY, ExpertName.META
TASK = PrepareTask(experiment_id="e" * 32, first=0, count=10)


def wanted(number: int, *, done: bool = False, **changes: object) -> SampleReview:
    own: dict[str, object] = {
        "review_id": f"{number:032x}",
        "source_id": f"{number:032x}",
        "experts": (SEC, QUALITY, META),
    }
    return SampleReview(order().model_copy(update=own | changes), done=done)


class MemoryExperiments:
    """The part of the port that preparing needs."""

    def __init__(self, *reviews: SampleReview) -> None:
        self._reviews = reviews
        self.noted: list[tuple[tuple[str, ...], float]] = []

    async def reviews(self, experiment_id: str, first: int, count: int) -> list[SampleReview]:
        return list(self._reviews[first : first + count])

    async def note_batch(self, review_ids: Sequence[str], seconds: float) -> None:
        self.noted.append((tuple(review_ids), seconds))


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

    async def prepare(self, task: PrepareTask = TASK) -> PrepareSummary:
        experiments = cast(Experiments, self.experiments)
        acts = PrepareActivities(experiments, self.analyst, MemorySources(), self.store)
        return await ActivityEnvironment().run(acts.prepare_samples, task)


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

"""A review on a real server: the three modes, what failing experts do to the report, what a history costs."""

import asyncio
import json
import time
import uuid
from contextlib import AsyncExitStack

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import CancelledError
from temporalio.worker import Replayer, Worker

from activities.experiment_ports import SampleReview
from activities.ports import AnalysisFailed, IsolationUnavailable, ModelFailed
from activities.review import ReviewActivities
from models.call import Posture
from models.config import AnalysisConfig, BacktrackConfig, OrchestratorConfig
from models.expert import ExpertName
from models.opinion import Opinion, Rejection
from models.order import ReviewOrder, ReviewOutcome
from models.review import ExpertStatus, ReviewMode, ReviewReport
from tests.activities.test_sample_reports import published, said
from tests.fakes import (
    MemoryReviews,
    MemorySources,
    ScriptedAnalyst,
    ScriptedModels,
    finding,
    order,
    static,
)
from worker import workflow_runner
from workflows.review import ReviewWorkflow

FAILED = ModelFailed(Rejection.PROVIDER_ERROR, posture=Posture.NEXT_PROVIDER, further=1)
GOOD = Opinion(findings=(finding(tool="model", confidence=0.9),), confidence=0.9, spent_micro_usd=10)
UNSURE = Opinion(confidence=0.1, spent_micro_usd=10, further=1)
WRONG = Opinion(
    findings=(finding(tool="model", quote="not in the file"),), confidence=0.9, spent_micro_usd=10, further=1
)
SEC, META = ExpertName.SECURITY, ExpertName.META


class Panel:
    """A worker over fakes, and the review it ran."""

    def __init__(self, analyst: ScriptedAnalyst | None = None, models: ScriptedModels | None = None) -> None:
        self.analyst = analyst or ScriptedAnalyst({SEC: static(SEC, finding())})
        self.models = models or ScriptedModels({})
        self.store = MemoryReviews()
        self.handle: WorkflowHandle[ReviewWorkflow, ReviewOutcome] | None = None

    async def review(self, client: Client, queue: str, what: ReviewOrder, cached: int = 100) -> ReviewReport:
        acts = ReviewActivities(self.analyst, self.models, MemorySources(), self.store, "test")
        async with AsyncExitStack() as running:
            await running.enter_async_context(
                Worker(
                    client,
                    task_queue=queue,
                    workflows=[ReviewWorkflow],
                    activities=[acts.analyse_source, acts.consult_model, acts.judge_panel, acts.publish_report],
                    workflow_runner=workflow_runner(),
                    max_cached_workflows=cached,
                )
            )
            self.handle = await client.start_workflow(
                ReviewWorkflow.run, what, id=f"review-{uuid.uuid4().hex}", task_queue=queue
            )
            await self.handle.result()
        return self.store.reports[what.review_id]


def status_of(report: ReviewReport, expert: ExpertName) -> tuple[ExpertStatus, str | None, int]:
    summary = next(each for each in report.experts if each.expert is expert)
    return summary.status, summary.reason, summary.attempts


async def test_parallel_runs_specialists_at_once_and_meta_after_them(client: Client, queue: str) -> None:
    panel = Panel(ScriptedAnalyst({SEC: static(SEC, finding())}, seconds=0.5))
    report = await panel.review(client, queue, order(queue=queue))
    assert panel.analyst.most_at_once == 6
    assert META not in panel.analyst.calls
    assert [each.kind for each in report.findings] == ["command-injection"]
    assert not report.partial


async def test_pipeline_goes_one_by_one_and_shows_earlier_findings(client: Client, queue: str) -> None:
    panel = Panel(ScriptedAnalyst({}, seconds=0.05))
    await panel.review(client, queue, order(ReviewMode.PIPELINE, queue, models_routed=True))
    assert panel.analyst.most_at_once == 1
    assert panel.analyst.calls == [each for each in ExpertName if each is not META]
    assert panel.models.shown == [panel.analyst.calls[:count] for count in range(7)]


@pytest.mark.parametrize(
    ("error", "code", "tries"),
    [
        (AnalysisFailed("os.system(cmd)"), "analysis_failed", 3),
        (RuntimeError("os.system(cmd)"), "internal", 3),
        (IsolationUnavailable("no namespaces"), "isolation_unavailable", 1),
    ],
)
async def test_a_failed_expert_makes_the_report_partial_never_clean(
    client: Client, queue: str, error: Exception, code: str, tries: int
) -> None:
    panel = Panel(ScriptedAnalyst({ExpertName.QUALITY: error}))
    report = await panel.review(client, queue, order(queue=queue))
    assert report.partial
    assert status_of(report, ExpertName.QUALITY)[:2] == (ExpertStatus.FAILED, code)
    assert panel.analyst.calls.count(ExpertName.QUALITY) == tries
    assert {entry.status for entry in report.coverage if entry.expert is ExpertName.QUALITY} == {"failed"}


async def test_history_of_a_static_review_is_small(client: Client, queue: str) -> None:
    panel = Panel(ScriptedAnalyst({SEC: static(SEC, finding())}, seconds=0.2))
    await panel.review(client, queue, order(queue=queue))
    assert panel.handle is not None
    history = await panel.handle.fetch_history()
    assert len(history.events) <= 60
    assert sum(event.ByteSize() for event in history.events) <= 64 * 1024
    assert "os.system" not in history.to_json()


async def test_replays_without_a_cache_and_from_its_history(client: Client, queue: str) -> None:
    panel = Panel(models=ScriptedModels({SEC: [FAILED, GOOD]}))
    config = OrchestratorConfig(backtrack=BacktrackConfig(first_backoff_seconds=0.05))
    what = order(ReviewMode.BACKTRACK, queue, models_routed=True, config=config)
    await panel.review(client, queue, what, cached=0)
    assert panel.handle is not None
    history = WorkflowHistory.from_json(panel.handle.id, (await panel.handle.fetch_history()).to_json())
    replayer = Replayer(
        workflows=[ReviewWorkflow], data_converter=pydantic_data_converter, workflow_runner=workflow_runner()
    )
    await replayer.replay_workflow(history)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(FAILED, "provider_error"), (UNSURE, "low_confidence"), (WRONG, "invalid_output")],
)
async def test_backtracking_asks_again_further_down_the_route_with_the_reason(
    skipping: Client, queue: str, bad: Opinion | ModelFailed, reason: str
) -> None:
    panel = Panel(models=ScriptedModels({SEC: [bad, bad, GOOD]}))
    report = await panel.review(skipping, queue, order(ReviewMode.BACKTRACK, queue, models_routed=True))
    asked = panel.models.asked(SEC)
    assert [(each.attempt, each.route_position, each.rejection) for each in asked] == [
        (1, 0, None),
        (2, 1, reason),
        (3, 2, reason),
    ]
    assert status_of(report, SEC) == (ExpertStatus.DONE, None, 3)
    assert {each.tool for each in report.findings[0].sightings} == {"bandit", "model"}


async def test_when_attempts_are_spent_the_static_half_stands_degraded(skipping: Client, queue: str) -> None:
    panel = Panel(models=ScriptedModels({SEC: [FAILED]}))
    report = await panel.review(skipping, queue, order(ReviewMode.BACKTRACK, queue, models_routed=True))
    assert status_of(report, SEC) == (ExpertStatus.DEGRADED, "provider_error", 3)
    assert [each.kind for each in report.findings] == ["command-injection"]
    assert not report.partial


async def test_backoff_doubles_up_to_its_limit(skipping: Client, queue: str) -> None:
    config = OrchestratorConfig(backtrack=BacktrackConfig(max_attempts=8))
    panel = Panel(models=ScriptedModels({SEC: [FAILED]}))
    await panel.review(skipping, queue, order(ReviewMode.BACKTRACK, queue, models_routed=True, config=config))
    assert panel.handle is not None
    history = json.loads((await panel.handle.fetch_history()).to_json())
    waits = [
        event["timerStartedEventAttributes"]["startToFireTimeout"]
        for event in history["events"]
        if "timerStartedEventAttributes" in event
    ]
    assert waits == ["1s", "2s", "4s", "8s", "16s", "30s", "30s"]


async def test_only_backtracking_asks_again_for_a_better_answer(client: Client, queue: str) -> None:
    panel = Panel(models=ScriptedModels({SEC: [UNSURE, GOOD]}))
    report = await panel.review(client, queue, order(queue=queue, models_routed=True))
    assert len(panel.models.asked(SEC)) == 1
    assert status_of(report, SEC) == (ExpertStatus.DEGRADED, "low_confidence", 1)


@pytest.mark.parametrize(
    ("bad", "positions", "attempts"),
    [
        (FAILED, [0, 1], 2),
        (ModelFailed(Rejection.PROVIDER_ERROR, posture=Posture.RETRY, retry_after_seconds=1.5, further=1), [0, 0], 2),
        (ModelFailed(Rejection.PROVIDER_ERROR, posture=Posture.RETRY, retry_after_seconds=90, further=2), [0, 2], 2),
        (ModelFailed(Rejection.INVALID_OUTPUT, posture=Posture.NEXT_PROVIDER, further=1), [0, 0], 2),
    ],
    ids=["next", "wait", "pass over who asks for too much patience", "repair"],
)
async def test_in_every_mode_a_failed_call_is_followed_by_another(
    skipping: Client, queue: str, bad: ModelFailed, positions: list[int], attempts: int
) -> None:
    panel = Panel(models=ScriptedModels({SEC: [bad, GOOD]}))
    report = await panel.review(skipping, queue, order(queue=queue, models_routed=True))
    assert [each.route_position for each in panel.models.asked(SEC)] == positions
    assert status_of(report, SEC) == (ExpertStatus.DONE, None, attempts)


async def test_a_spent_quota_is_waited_for_when_asked_and_not_otherwise(skipping: Client, queue: str) -> None:
    spent = ModelFailed(Rejection.QUOTA_EXCEEDED, retry_after_seconds=7000.0)
    panel = Panel(models=ScriptedModels({SEC: [spent, spent, GOOD]}))
    patient = order(queue=queue, models_routed=True, wait_for_quota=True)
    report = await panel.review(skipping, queue, patient)
    assert status_of(report, SEC) == (ExpertStatus.DONE, None, 3)
    panel = Panel(models=ScriptedModels({SEC: [spent, GOOD]}))
    report = await panel.review(skipping, queue, order(queue=queue, models_routed=True, review_id="b" * 32))
    assert status_of(report, SEC) == (ExpertStatus.DEGRADED, "quota_exceeded", 1)


async def test_both_halves_of_all_experts_work_at_once_when_there_is_no_order(client: Client, queue: str) -> None:
    panel = Panel(ScriptedAnalyst({}, seconds=0.6), ScriptedModels({}, seconds=0.6))
    began = time.monotonic()
    await panel.review(client, queue, order(queue=queue, models_routed=True))
    assert {each.expert for each in panel.models.questions} == set(ExpertName)
    assert panel.models.most_at_once == 7
    assert panel.models.first_at - panel.analyst.first_at < 0.5
    assert time.monotonic() - began > 0.6


async def test_what_an_answer_cost_and_did_not_show_is_in_the_report(client: Client, queue: str) -> None:
    told = GOOD.model_copy(update={"provider": "gpt", "dropped": {"quote_not_found": 2}, "unseen": ("shop/db.py",)})
    panel = Panel(models=ScriptedModels({SEC: [told]}, usual=Opinion(confidence=0.9, spent_micro_usd=1)))
    report = await panel.review(client, queue, order(queue=queue, models_routed=True))
    summary = next(each for each in report.experts if each.expert is SEC)
    assert (summary.provider, summary.spent_micro_usd, summary.unseen) == ("gpt", 10, ("shop/db.py",))
    assert summary.dropped["quote_not_found"] == 2
    assert report.cost_micro_usd == 10 + 6


async def test_a_last_resort_counts_as_degraded(client: Client, queue: str) -> None:
    panel = Panel(models=ScriptedModels({SEC: [GOOD.model_copy(update={"last_resort": True})]}))
    report = await panel.review(client, queue, order(queue=queue, models_routed=True))
    assert status_of(report, SEC) == (ExpertStatus.DEGRADED, "last_resort", 1)
    assert {each.tool for each in report.findings[0].sightings} == {"bandit", "model"}


async def test_an_expert_without_budget_runs_static_only(client: Client, queue: str) -> None:
    panel = Panel()
    report = await panel.review(client, queue, order(queue=queue, models_routed=True, budget_micro_usd=0))
    assert panel.models.questions == []
    assert status_of(report, SEC) == (ExpertStatus.DEGRADED, "budget_spent", 0)


async def test_unspent_money_returns_to_the_pool(client: Client, queue: str) -> None:
    panel = Panel(models=ScriptedModels({}, usual=Opinion(confidence=0.9, spent_micro_usd=1)))
    await panel.review(client, queue, order(ReviewMode.PIPELINE, queue, models_routed=True, budget_micro_usd=700))
    budgets = [each.budget_micro_usd for each in panel.models.questions]
    assert budgets == sorted(budgets)
    assert budgets[-1] == 700 - 6 * 1


async def test_an_expert_that_meta_rejects_is_asked_once_more(skipping: Client, queue: str) -> None:
    noise = finding(
        tool="model", kind="weak-random", cwe="CWE-330", path="tests/test_shop.py", line_start=1, line_end=1, quote=""
    )
    texts = {"shop/app.py": "import os\n\n\ndef run(cmd):\n    os.system(cmd)\n", "tests/test_shop.py": "x = 1\n"}
    panel = Panel(models=ScriptedModels({SEC: [Opinion(findings=(noise,), confidence=0.9), GOOD]}))
    acts = ReviewActivities(panel.analyst, panel.models, MemorySources(texts), panel.store, "test")
    what = order(ReviewMode.BACKTRACK, queue, models_routed=True, experts=(SEC, META))
    async with Worker(
        skipping,
        task_queue=queue,
        workflows=[ReviewWorkflow],
        activities=[acts.analyse_source, acts.consult_model, acts.judge_panel, acts.publish_report],
        workflow_runner=workflow_runner(),
    ):
        await skipping.execute_workflow(ReviewWorkflow.run, what, id=f"review-{queue}", task_queue=queue)
    assert [each.rejection for each in panel.models.asked(SEC)] == [None, "rejected_by_meta"]
    report = panel.store.reports[what.review_id]
    assert status_of(report, SEC) == (ExpertStatus.DONE, None, 2)


async def test_cancelling_ends_the_review(client: Client, queue: str) -> None:
    panel = Panel(ScriptedAnalyst({}, seconds=30))
    acts = ReviewActivities(panel.analyst, panel.models, MemorySources(), panel.store, "test")
    async with Worker(
        client,
        task_queue=queue,
        workflows=[ReviewWorkflow],
        activities=[acts.analyse_source, acts.judge_panel, acts.publish_report],
        workflow_runner=workflow_runner(),
    ):
        handle = await client.start_workflow(
            ReviewWorkflow.run, order(queue=queue), id=f"review-{queue}", task_queue=queue
        )
        while panel.analyst.at_work < 6:
            await asyncio.sleep(0.05)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    assert panel.store.reports == {}


async def test_what_is_prepared_is_not_analysed_again(client: Client, queue: str) -> None:
    panel = Panel()
    what = order(queue=queue, prepared=True, experts=(SEC, ExpertName.QUALITY, META))
    for expert in (SEC, ExpertName.QUALITY):
        await panel.store.save_static(what.review_id, static(expert, *([finding()] if expert is SEC else [])), 1.5)
    report = await panel.review(client, queue, what)
    assert panel.analyst.calls == []
    assert [each.kind for each in report.findings] == ["command-injection"]
    assert (report.partial, report.experts[0].seconds) == (False, 1.5)
    assert panel.handle is not None
    assert len((await panel.handle.fetch_history()).events) <= 13


async def test_what_is_prepared_ends_as_samples_do_that_are_published_together(client: Client, queue: str) -> None:
    panel, store = Panel(), MemoryReviews()
    what = order(queue=queue, prepared=True, experts=(SEC, ExpertName.QUALITY, META))
    for each in (panel.store, store):
        await each.save_static(what.review_id, static(SEC, finding()), 1.5)
        await each.save_static(what.review_id, static(ExpertName.QUALITY), 1.5)
    await panel.review(client, queue, what)
    await published(store, SampleReview(what, done=False))
    assert said(store, what.review_id) == said(panel.store, what.review_id)


async def test_what_only_seems_prepared_is_a_failure(client: Client, queue: str) -> None:
    panel = Panel()
    what = order(queue=queue, prepared=True, experts=(SEC, ExpertName.QUALITY))
    await panel.store.save_static(what.review_id, static(SEC), 1.5)
    report = await panel.review(client, queue, what)
    assert status_of(report, ExpertName.QUALITY)[:2] == (ExpertStatus.FAILED, "no_static_result")
    assert report.partial


async def test_the_configuration_takes_effect(client: Client, queue: str) -> None:
    unsure = finding(line_start=1, line_end=1, quote="import os", confidence=0.2)
    panel = Panel(ScriptedAnalyst({SEC: static(SEC, finding(), unsure)}))
    analysis = AnalysisConfig(tools_off=("ruff",), min_confidence=0.5)
    what = order(queue=queue, analysis=analysis, prompt="review-1", models_routed=True, experts=(SEC,))
    report = await panel.review(client, queue, what)
    assert panel.analyst.tools_off == ("ruff",)
    assert report.dropped == {"below_min_confidence": 1}
    assert [question.prompt for question in panel.models.questions] == ["review-1"]

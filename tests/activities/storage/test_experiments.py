"""Experiments in the real database: samples once, ends that stay, and the chain that tells them."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from activities.experiment_ports import (
    ConfigQuarantined,
    Creation,
    DatasetUnknown,
    ExperimentUnknown,
    NoSamples,
    NotEvaluated,
    SampleResult,
)
from activities.storage.audit import PostgresAudit
from activities.storage.blacklist import PostgresBlacklist
from activities.storage.database import Database
from activities.storage.datasets import PostgresDatasets
from activities.storage.experiments import PostgresExperiments
from activities.storage.reviews import PostgresReviews
from activities.storage.sources import PostgresSources
from activities.storage.statements import Statements
from activities.storage.versions import PostgresVersions
from models.audit import AuditAction
from models.audit_check import verify_chain
from models.config import ConsensusConfig, OrchestratorConfig
from models.dataset import Dataset, Split
from models.dataset_lines import read_lines
from models.dataset_samples import upload_of
from models.experiment import Bar, Evaluation, ExperimentRequest, ExperimentStatus, SampleEnd
from models.gate import Outcome, PolicyName
from models.measure import Estimate
from models.order import ReviewOrder
from models.report_hash import report_hash
from models.review import ReviewReport
from models.reviewer_config import ReviewerConfig, config_hash
from models.verdict import AiVerdict, Override, Verdict
from starter.intake.accept import accept
from tests.labelled import clean, jsonl, row
from tests.workflows.experiment_rig import decision, metrics

BY = "anna"
PASSED = AiVerdict(verdict=Verdict.PASS, confidence=0.9, reasons=("It is good.",), judged_by="rules")

SIX = [(row if number % 2 else clean)(f"s{number}", split="dev" if number < 4 else "test") for number in range(6)]


class Lab:
    """A dataset of six samples and the store of experiments."""

    def __init__(self, database: Database, statements: Statements) -> None:
        self.database = database
        self.datasets = PostgresDatasets(database, PostgresSources(database))
        self.experiments = PostgresExperiments(database, self.datasets, "test")
        self.reviews = PostgresReviews(database, statements)
        self.dataset: Dataset

    async def ready(self, name: str = "demo", rows: list[dict[str, Any]] | None = None) -> "Lab":
        lines = read_lines(jsonl(*(rows or SIX)))
        sources = [accept(upload_of(line), source_id=uuid4().hex) for line in lines]
        self.dataset, _ = await self.datasets.import_(name, lines, sources, BY)
        return self

    async def create(self, config: ReviewerConfig | None = None, key: str | None = None, **changes: object) -> str:
        request = ExperimentRequest.model_validate(
            {"name": "trial", "dataset_id": self.dataset.id, "config": config or ReviewerConfig()} | changes
        )
        wanted = Creation(uuid4().hex, request, PolicyName.DEFAULT, BY, "0" * 64, key)
        return (await self.experiments.create(wanted))[0].id

    async def opened(self, config: ReviewerConfig | None = None, **changes: object) -> str:
        made = await self.create(config, **changes)
        stored = await self.experiments.get(made)
        await self.experiments.open(made, self.bar(stored.config_hash, len(stored.positions)))
        return made

    def bar(self, config: str, samples: int) -> Bar:
        return Bar(
            config_hash=config,
            dataset_hash=self.dataset.content_hash,
            policy=PolicyName.DEFAULT,
            policy_hash="policy:v1:sha256:" + "0" * 64,
            samples=samples,
        )

    async def actions(self, subject: str) -> list[str]:
        entries = [entry async for entry in PostgresAudit(self.database).entries()]
        assert verify_chain(entries).intact
        return [entry.action for entry in entries if entry.subject == subject]

    async def results(self, experiment_id: str) -> list[SampleResult]:
        return [each async for each in self.experiments.results(experiment_id)]


@pytest.fixture
async def lab(database: Database, statements: Statements) -> Lab:
    return await Lab(database, statements).ready()


def evaluation(outcome: Outcome = Outcome.PASS, cost: float | None = None) -> Evaluation:
    measured = metrics().model_copy(update={"cost_per_analysis": Estimate(value=cost, method="none")})
    decided = decision(outcome)
    return Evaluation(
        metrics=measured,
        ai=PASSED,
        decision=decided,
        report_hash=report_hash(measured, PASSED, decided),
        evaluated_at=datetime.now(UTC),
    )


def report(order: ReviewOrder) -> ReviewReport:
    return ReviewReport.model_validate(
        {
            "review_id": order.review_id,
            "source_id": order.source_id,
            "label": order.label,
            "complexity": order.complexity,
            "mode": "parallel",
            "partial": False,
            "totals": {},
            "conclave_version": "test",
            "generated_at": datetime.now(UTC),
        }
    )


async def test_a_split_and_a_limit_choose_samples_and_an_empty_choice_is_refused(lab: Lab) -> None:
    everything = await lab.experiments.get(await lab.create())
    assert everything.positions == (0, 1, 2, 3, 4, 5)
    assert (await lab.experiments.get(await lab.create(split=Split.TEST))).positions == (4, 5)
    assert (await lab.experiments.get(await lab.create(split=Split.DEV, limit=2))).positions == (0, 1)
    with pytest.raises(DatasetUnknown):
        await lab.create(dataset_id="f" * 32)
    for unknown in ("f" * 32, "not an id", "\0"):
        with pytest.raises(ExperimentUnknown):
            await lab.experiments.get(unknown)
    await lab.ready("only-dev", [row(split="dev")])
    with pytest.raises(NoSamples):
        await lab.create(split=Split.TEST)


async def test_a_key_used_before_gives_the_earlier_experiment_and_is_told_once(lab: Lab) -> None:
    made = await asyncio.gather(*(lab.create(key="k") for _ in range(4)))
    assert len(set(made)) == 1
    assert await lab.actions(made[0]) == [AuditAction.EXPERIMENT_CREATED]


async def test_configurations_that_hardly_differ_are_told(lab: Lab) -> None:
    def slightly(support: float) -> ReviewerConfig:
        return ReviewerConfig(orchestrator=OrchestratorConfig(consensus=ConsensusConfig(min_support=support)))

    for support in (0.3, 0.301, 0.5):
        await lab.create(slightly(support))
    near, far = config_hash(slightly(0.3)), config_hash(slightly(0.5))
    assert await lab.experiments.alike([near, far]) == {near: (config_hash(slightly(0.301)),)}


async def test_the_bar_is_fixed_once_and_counts_the_attempts(lab: Lab) -> None:
    first = await lab.opened()
    second = await lab.create()
    bars = await asyncio.gather(
        *(lab.experiments.open(second, lab.bar(config_hash(ReviewerConfig()), samples)) for samples in (6, 5, 4))
    )
    assert len({bar.model_dump_json() for bar in bars}) == 1
    assert bars[0].attempts == 2
    assert (await lab.actions(second)).count(AuditAction.EXPERIMENT_STARTED) == 1
    assert (await lab.experiments.get(first)).status is ExperimentStatus.RUNNING


async def test_a_sample_has_one_review_whoever_asks_and_how_often(lab: Lab) -> None:
    made = await lab.opened()
    asked = await asyncio.gather(*(lab.experiments.reviews(made, first, 4) for first in (0, 2, 0, 2)))
    ids = {each.order.review_id for some in asked for each in some}
    assert len(ids) == 6
    assert asked[1][:2] == asked[0][2:], "in the order of their numbers"
    again = await lab.experiments.reviews(made, 0, 6)
    assert [each.order for each in again[:4]] == [each.order for each in asked[0]]
    assert {each.order.owner for each in again} == {BY} and not any(each.order.models_routed for each in again)
    assert await lab.reviews.page(BY, None, 10) == [], "reviews of samples are in nobody's list"
    assert await lab.reviews.unfinished() == []


async def test_results_are_what_was_noted_first(lab: Lab) -> None:
    made = await lab.opened()
    orders = [each.order for each in await lab.experiments.reviews(made, 0, 6)]
    reviews = [order.review_id for order in orders]
    await lab.experiments.note_batch(reviews[:3], 0.5)
    await lab.experiments.note_batch(reviews[:3], 9.0)
    assert [each.order.prepared for each in await lab.experiments.reviews(made, 0, 4)] == [True, True, True, False]
    for each in orders[:2]:
        await lab.reviews.publish([report(each)])
    ends = (
        SampleEnd(review_id=reviews[0], seconds=1.0),
        SampleEnd(review_id=reviews[1], seconds=2.0, cached=True),
        SampleEnd(review_id=reviews[2], failure="timeout"),
    )
    await lab.experiments.note_results(ends)
    await lab.experiments.note_results(
        [SampleEnd(review_id=each, seconds=7.0, failure="other") for each in reviews[:3]]
    )
    found = await lab.results(made)
    assert [(each.report is not None, each.seconds, each.cached, each.failure) for each in found] == [
        (True, 1.5, False, None),
        (True, 2.5, True, None),
        (False, 0.5, False, "timeout"),
        (False, 0.0, False, "no_report"),
        (False, 0.0, False, "no_report"),
        (False, 0.0, False, "no_report"),
    ]
    row = await lab.experiments.row(made)
    progress = (await lab.experiments.progress([row]))[made]
    assert (progress.samples, progress.done, progress.errors) == (6, 3, 1)
    assert [each.done for each in await lab.experiments.reviews(made, 0, 4)] == [True, True, True, False]


async def test_answers_that_were_kept_before_a_crash_mark_their_sample(lab: Lab) -> None:
    made = await lab.opened()
    reviews = [each.order.review_id for each in await lab.experiments.reviews(made, 0, 2)]
    async with lab.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO expert_results (review_id, expert, attempt, status, findings, seconds, result, started_at)"
                " VALUES (:id, 'security', 1, 'done', 0, 0, '{\"cached\": true}', now())"
            ),
            {"id": reviews[0]},
        )
    await lab.experiments.note_results([SampleEnd(review_id=each) for each in reviews])
    assert [each.cached for each in (await lab.results(made))[:2]] == [True, False]


async def test_an_end_stays_and_is_told_once(lab: Lab) -> None:
    made = await lab.opened()
    await lab.experiments.reviews(made, 0, 6)
    assert await lab.experiments.set_status(made, ExperimentStatus.PAUSED) is ExperimentStatus.PAUSED
    ends = await asyncio.gather(*(lab.experiments.set_status(made, ExperimentStatus.CANCELLED) for _ in range(3)))
    assert set(ends) == {ExperimentStatus.CANCELLED}
    assert await lab.experiments.set_status(made, ExperimentStatus.RUNNING) is ExperimentStatus.CANCELLED
    assert await lab.experiments.settle(made, evaluation(), ExperimentStatus.PASSED) is ExperimentStatus.CANCELLED
    assert await lab.experiments.evaluation(made) is None
    assert (await lab.actions(made)).count(AuditAction.EXPERIMENT_ENDED) == 1
    assert all(each.done for each in await lab.experiments.reviews(made, 0, 6)), "its reviews are cancelled"


async def test_a_refusal_is_told_as_one_and_a_failure_can_be_tried_again(lab: Lab) -> None:
    refused, failed = await lab.opened(), await lab.opened()
    await lab.experiments.set_status(refused, ExperimentStatus.FAILED, "bar_changed")
    assert (await lab.actions(refused))[-1] == AuditAction.EXPERIMENT_REFUSED
    await lab.experiments.set_status(failed, ExperimentStatus.FAILED, "policy_unavailable")
    assert await lab.experiments.begin(failed) is ExperimentStatus.RUNNING
    row = await lab.experiments.row(failed)
    assert (row.failure, row.finished_at) == (None, None)
    await lab.experiments.settle(failed, evaluation(), ExperimentStatus.PASSED)
    assert await lab.experiments.begin(failed) is ExperimentStatus.PASSED


@pytest.mark.parametrize("outcome", Outcome)
async def test_settling_keeps_the_evaluation_and_only_a_failed_gate_quarantines(lab: Lab, outcome: Outcome) -> None:
    made = await lab.opened()
    status = {Outcome.PASS: ExperimentStatus.PASSED, Outcome.FAIL: ExperimentStatus.QUARANTINED}.get(
        outcome, ExperimentStatus.INCONCLUSIVE
    )
    said = evaluation(outcome)
    assert set(await asyncio.gather(*(lab.experiments.settle(made, said, status) for _ in range(3)))) == {status}
    assert await lab.experiments.evaluation(made) == said
    told = await lab.actions(made)
    assert told[-2:] == [AuditAction.EXPERIMENT_EVALUATED, AuditAction.EXPERIMENT_GATED] and len(told) == 4
    blacklist = PostgresBlacklist(lab.database)
    config = config_hash(ReviewerConfig())
    if outcome is Outcome.FAIL:
        with pytest.raises(ConfigQuarantined):
            await blacklist.check(config)
        assert await lab.actions(config) == [AuditAction.CONFIG_QUARANTINED]
    else:
        await blacklist.check(config)


async def test_the_configuration_of_production_is_rejected_and_goes_on(lab: Lab) -> None:
    await PostgresVersions(lab.database).seed()
    made = await lab.opened(ReviewerConfig())
    ended = await lab.experiments.settle(made, evaluation(Outcome.FAIL), ExperimentStatus.QUARANTINED)
    assert ended is ExperimentStatus.REJECTED
    await PostgresBlacklist(lab.database).check(config_hash(ReviewerConfig()))
    assert (await lab.actions(made))[-1] == AuditAction.EXPERIMENT_GATED


async def test_what_was_quarantined_while_it_ran_has_not_passed(lab: Lab) -> None:
    made = await lab.opened(ReviewerConfig())
    blacklist = PostgresBlacklist(lab.database)
    await blacklist.quarantine_experiment(made, "It leaks.", "eve")
    ended = await lab.experiments.settle(made, evaluation(), ExperimentStatus.PASSED)
    assert ended is ExperimentStatus.QUARANTINED
    assert (await lab.experiments.row(made)).status == ExperimentStatus.QUARANTINED
    assert await lab.actions(config_hash(ReviewerConfig())) == [AuditAction.CONFIG_QUARANTINED], "by whom it was"


async def test_a_person_overrides_the_verdict_and_what_was_approved_before_is_void(lab: Lab) -> None:
    made = await lab.opened()
    word = Override(verdict=Verdict.FAIL, reason="I know better.", by="eve")
    with pytest.raises(NotEvaluated):
        await lab.experiments.override(made, word)
    before = evaluation()
    await lab.experiments.settle(made, before, ExperimentStatus.PASSED)
    after = await lab.experiments.override(made, word)
    assert (after.verdict, after.ai) == (Verdict.FAIL, PASSED)
    assert after.report_hash != before.report_hash
    assert await lab.experiments.evaluation(made) == after
    assert (await lab.actions(made))[-1] == AuditAction.VERDICT_OVERRIDDEN
    assert (await lab.experiments.get(made)).status is ExperimentStatus.PASSED, "the gate stays as it decided"


async def test_the_baseline_is_the_latest_cost_on_the_same_dataset(lab: Lab) -> None:
    config, hashed = ReviewerConfig(), lab.dataset.content_hash
    name = config_hash(config)
    assert await lab.experiments.baseline_cost(name, hashed) is None
    for cost in (100.0, 70.4, None):
        await lab.experiments.settle(await lab.opened(config), evaluation(cost=cost), ExperimentStatus.PASSED)
    assert await lab.experiments.baseline_cost(name, hashed) == 70
    assert await lab.experiments.baseline_cost(name, "ds:v1:sha256:" + "1" * 64) is None
    assert await lab.experiments.tokens(await lab.opened()) == 0

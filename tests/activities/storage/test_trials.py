"""Trials and the watch over stable on the real database."""

import asyncio
import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from activities.experiment_ports import ConfigQuarantined, StoredExperiment
from activities.storage.blacklist import PostgresBlacklist
from activities.storage.database import Database
from activities.storage.datasets import PostgresDatasets
from activities.storage.experiments import PostgresExperiments
from activities.storage.reviews import PostgresReviews
from activities.storage.sources import PostgresSources
from activities.storage.statements import Statements
from activities.storage.trials import PostgresTrials
from activities.storage.versions import PostgresVersions
from activities.trial_ports import ConfigStable, TrialRunning, TrialUnknown
from models.expert import Severity
from models.intake import AcceptedSource
from models.review import ExpertStatus, ReviewReport, ReviewStatus
from models.reviewer_config import ReviewerConfig
from models.trial import PAYER, Trial, TrialStatus, candidate_review_id
from models.trial_report import compare
from tests.activities.passed import chain, passed
from tests.activities.versioned import promoted
from tests.fakes import TEXTS, manifest, order
from tests.models.test_trial import made, report


class Desk:
    """Trials, and reviews to shadow."""

    def __init__(self, database: Database, statements: Statements) -> None:
        self.database = database
        self.trials = PostgresTrials(database)
        self.reviews = PostgresReviews(database, statements)
        self.sources = PostgresSources(database)
        self.experiments = PostgresExperiments(database, PostgresDatasets(database, self.sources), "test")
        self.versions = PostgresVersions(database)
        self.blacklist = PostgresBlacklist(database)
        self.source: str

    async def experiment(self, config: ReviewerConfig | None = None) -> StoredExperiment:
        return await self.experiments.get(await passed(self.database, config))

    async def started(self, config: ReviewerConfig | None = None) -> Trial:
        return (await self.trials.start(await self.experiment(config), 10, "oscar"))[0]

    async def live(self) -> str:
        review_id = uuid.uuid4().hex
        wanted = order(review_id=review_id, source_id=self.source)
        await self.reviews.accept("ann", wanted, "0" * 64, None)
        return review_id

    async def shadowed(self, trial: Trial) -> tuple[str, str]:
        """A live review and its shadow."""
        review_id = await self.live()
        shadow_id = candidate_review_id(trial.id, review_id)
        wanted = order(review_id=shadow_id, source_id=self.source, config_hash=trial.config_hash)
        for _ in range(2):
            await self.trials.add(trial.id, review_id, wanted)
        return review_id, shadow_id

    async def publish(self, review_id: str, said: ReviewReport) -> None:
        await self.reviews.publish([made(review_id, said)])

    async def compared(self) -> int:
        found = await self.trials.finished(20)
        for pair in found:
            for _ in range(2):
                await self.trials.note(pair, compare(pair.stable, pair.candidate))
        return len(found)


@pytest.fixture
async def desk(database: Database, statements: Statements) -> Desk:
    made = Desk(database, statements)
    await made.versions.seed()
    made.source = (await made.sources.save("ann", AcceptedSource(manifest(), dict(TEXTS), {}))).source_id
    return made


async def test_one_trial_runs_at_a_time_and_begin_and_end_are_audited_once(desk: Desk) -> None:
    experiment = await desk.experiment()
    begun = await asyncio.gather(*(desk.trials.start(experiment, 10, "oscar") for _ in range(4)))
    assert len({trial.id for trial, _ in begun}) == 1 and [fresh for _, fresh in begun].count(True) == 1
    trial = begun[0][0]
    with pytest.raises(TrialRunning) as raised:
        await desk.trials.start(experiment, 20, "oscar")
    assert raised.value.trial_id == trial.id
    running = await desk.trials.running()
    assert running is not None and (running.id, running.config) == (trial.id, experiment.config)
    for reason in ("seen enough", "once more"):
        stopped = await desk.trials.stop(trial.id, reason, "anna")
        assert (stopped.status, stopped.reason) == (TrialStatus.STOPPED, "seen enough")
    assert await desk.trials.running() is None
    assert await chain(desk.database, trial.id) == [
        ("rollout_started", "oscar", None),
        ("rollout_stopped", "anna", None),
    ]
    another = await desk.started()
    assert [each.id for each in await desk.trials.page(None, 5)] == [another.id, trial.id]
    older = await desk.trials.page((another.started_at, another.id), 5)
    assert [each.id for each in older] == [trial.id]
    for unknown in ("f" * 32, "\0"):
        with pytest.raises(TrialUnknown):
            await desk.trials.get(unknown)


async def test_neither_a_quarantined_nor_the_stable_configuration_is_tried(desk: Desk) -> None:
    bad = await desk.experiment()
    await desk.blacklist.quarantine(bad.config_hash, "leaks", {}, "oscar")
    with pytest.raises(ConfigQuarantined):
        await desk.trials.start(bad, 10, "oscar")
    with pytest.raises(ConfigStable):
        await desk.trials.start(await desk.experiment(ReviewerConfig()), 10, "oscar")
    assert await desk.trials.page(None, 5) == []


async def test_quarantine_ends_a_trial_at_once_and_the_monitor_tells_the_chain(desk: Desk) -> None:
    trial = await desk.started()
    review_id, shadow_id = await desk.shadowed(trial)
    assert await desk.trials.stop_unfit() is None
    await desk.blacklist.quarantine(trial.config_hash, "leaks", {}, "oscar")
    assert await desk.trials.running() is None
    [pair] = await desk.trials.open_pairs(5)
    assert (pair.review_id, pair.wanted) == (shadow_id, False)
    assert await desk.trials.stop_unfit() == trial.id
    assert await desk.trials.stop_unfit() is None
    assert (await desk.trials.get(trial.id)).reason == "Its configuration was quarantined."
    assert (await chain(desk.database, trial.id))[-1] == ("rollout_stopped", "conclave", None)
    await desk.reviews.finish(shadow_id, ReviewStatus.CANCELLED, "trial_stopped", datetime.now(UTC))
    assert await desk.trials.open_pairs(5) == []
    assert (await desk.reviews.get("ann", review_id)).status == "running"


async def test_a_candidate_that_became_stable_is_tried_no_more(desk: Desk) -> None:
    experiment = await desk.experiment()
    trial, _ = await desk.trials.start(experiment, 10, "oscar")
    await promoted(desk.database, experiment.config)
    assert await desk.trials.stop_unfit() == trial.id
    assert (await desk.trials.get(trial.id)).reason == "Its configuration became stable."


async def test_a_shadow_is_in_no_list_and_begins_behind_its_live_review(desk: Desk) -> None:
    trial = await desk.started()
    review_id, shadow_id = await desk.shadowed(trial)
    assert [row.id for row in await desk.reviews.page("ann", None, 9)] == [review_id]
    assert await desk.reviews.page(PAYER, None, 9) == []
    assert [row.id for row in await desk.reviews.unfinished()] == [review_id]
    assert await desk.trials.open_pairs(5) == []
    await desk.publish(review_id, report())
    [pair] = await desk.trials.open_pairs(5)
    assert (pair.review_id, pair.order.review_id, pair.wanted) == (shadow_id, shadow_id, True)


async def test_pairs_are_compared_once_and_added_up(desk: Desk) -> None:
    trial = await desk.started()
    one, two, three = [await desk.shadowed(trial) for _ in range(3)]
    await desk.publish(one[0], report(frozenset({1, 2}), Severity.HIGH, cost=100))
    assert await desk.compared() == 0
    await desk.publish(one[1], report(frozenset({2, 3, 4}), Severity.LOW, cost=150))
    await desk.publish(two[0], report(frozenset({5})))
    await desk.publish(two[1], report(frozenset({5}), status=ExpertStatus.DEGRADED))
    await desk.reviews.finish(three[0], ReviewStatus.FAILED, "internal", datetime.now(UTC))
    await desk.reviews.finish(three[1], ReviewStatus.CANCELLED, "trial_stopped", datetime.now(UTC))
    last = await desk.shadowed(trial)
    assert await desk.compared() == 2 and await desk.compared() == 0
    found = (await desk.trials.get(trial.id)).report
    assert found is not None
    assert (found.pairs, found.waiting, found.compared, found.whole) == (4, 1, 2, 1)
    assert (found.common, found.stable.findings, found.candidate.findings) == (1, 2, 3)
    assert (found.overlap, found.agreement, found.candidate.degraded) == (0.4, 0.0, 1)
    assert (found.stable_cost_micro_usd, found.candidate_cost_micro_usd, found.cost_increase) == (100, 150, 0.5)
    for review_id in last:
        await desk.reviews.finish(review_id, ReviewStatus.FAILED, "internal", datetime.now(UTC))
    assert await desk.compared() == 1
    found = (await desk.trials.get(trial.id)).report
    assert found is not None and (found.stable.failed, found.candidate.failed, found.whole) == (1, 1, 1)


async def test_a_candidate_that_could_ask_no_model_is_not_compared_with_one_that_did(desk: Desk) -> None:
    trial = await desk.started()
    pair = await desk.shadowed(trial)
    async with desk.database.statements() as session:
        change = "UPDATE reviews SET review_order = review_order || '{\"models_routed\": true}' WHERE id = :id"
        await session.execute(text(change), {"id": pair[0]})
    for review_id in pair:
        await desk.publish(review_id, report())
    assert await desk.compared() == 1
    found = (await desk.trials.get(trial.id)).report
    assert found is not None and (found.candidate.degraded, found.stable.degraded, found.whole) == (1, 0, 0)

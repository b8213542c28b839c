"""The steps of the monitor over the real database: one alert, and a rollback only if it is set, never twice."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.monitor import MonitorActivities
from activities.stats.intervals import ONE_SIDED, clopper_pearson
from activities.storage.alerts import PostgresAlerts
from activities.storage.database import Database
from activities.storage.datasets import PostgresDatasets
from activities.storage.experiments import PostgresExperiments
from activities.storage.reviews import PostgresReviews
from activities.storage.sources import PostgresSources
from activities.storage.stable_errors import PostgresWatch
from activities.storage.statements import Statements
from activities.storage.trials import PostgresTrials
from activities.storage.versions import PostgresVersions
from models.alert import Alert, AlertType
from models.intake import AcceptedSource
from models.monitor import ErrorRule, MonitorOrder, StableTick, TrialTick
from models.review import ExpertStatus, ReviewStatus
from models.version import Version
from tests.activities.passed import chain, passed
from tests.activities.versioned import promoted
from tests.fakes import TEXTS, manifest, order
from tests.models.test_trial import made, report

ORDER = MonitorOrder(pairs=3)


@dataclass
class Control:
    """The monitor, and a production to watch."""

    database: Database
    reviews: PostgresReviews
    source: str

    @property
    def versions(self) -> PostgresVersions:
        return PostgresVersions(self.database)

    def monitor(self, auto_rollback: bool = False) -> MonitorActivities:
        return MonitorActivities(
            PostgresTrials(self.database),
            PostgresWatch(self.database),
            self.versions,
            rule=ErrorRule(window=50, limit=0.05),
            lower_bound=lambda errors, reviews: clopper_pearson(errors, reviews, ONE_SIDED)[0],
            auto_rollback=auto_rollback,
        )

    async def watched(self, auto_rollback: bool = False) -> StableTick:
        return await ActivityEnvironment().run(self.monitor(auto_rollback).watch_stable, ORDER)

    async def reviewed(self, version: Version, status: ExpertStatus = ExpertStatus.DONE, times: int = 1) -> None:
        """Reviews with a version that have a report; what became of their expert."""
        for _ in range(times):
            review_id = await self.begun(version)
            await self.reviews.publish([made(review_id, report(status=status), partial=True)])

    async def ended(self, version: Version, status: ReviewStatus, times: int = 1) -> None:
        """Reviews with a version that have none."""
        for _ in range(times):
            await self.reviews.finish(await self.begun(version), status, "internal", datetime.now(UTC))

    async def begun(self, version: Version) -> str:
        wanted = order(review_id=uuid.uuid4().hex, source_id=self.source, config_hash=version.config_hash)
        await self.reviews.accept("ann", wanted, "0" * 64, None)
        return wanted.review_id

    async def alerts(self) -> list[Alert]:
        found = await PostgresAlerts(self.database).page(None, 50)
        return [each for each in found if each.alert_type is AlertType.STABLE_ERRORS]


@pytest.fixture
async def control(database: Database, statements: Statements) -> Control:
    source = await PostgresSources(database).save("ann", AcceptedSource(manifest(), dict(TEXTS), {}))
    made = Control(database, PostgresReviews(database, statements), source.source_id)
    await made.versions.seed()
    return made


async def test_failed_reviews_and_failed_experts_are_errors_and_nothing_else_is(control: Control) -> None:
    before = await control.versions.current()
    await control.ended(before, ReviewStatus.FAILED)
    stable = await promoted(control.database)
    assert (await control.watched()).reviews == 0
    await control.reviewed(stable)
    await control.reviewed(stable, ExpertStatus.DEGRADED)
    await control.reviewed(stable, ExpertStatus.FAILED)
    await control.ended(stable, ReviewStatus.FAILED)
    await control.ended(stable, ReviewStatus.CANCELLED)
    await control.begun(stable)
    assert await control.watched() == StableTick(version=2, reviews=4, errors=2)
    async with control.database.statements() as session:
        await session.execute(text("UPDATE reviews SET background = true WHERE status = 'failed'"))
    assert await control.watched() == StableTick(version=2, reviews=3, errors=1)


async def test_a_breach_raises_one_alert_and_changes_nothing_else(control: Control) -> None:
    stable = await promoted(control.database)
    await control.reviewed(stable, times=8)
    await control.ended(stable, ReviewStatus.FAILED, 2)
    assert not (await control.watched()).breached
    await control.ended(stable, ReviewStatus.FAILED)
    seen = StableTick(version=2, reviews=11, errors=3, breached=True, alerted=True)
    assert await control.watched() == seen
    assert await control.watched() == seen.model_copy(update={"alerted": False})
    [alert] = await control.alerts()
    assert alert.subject == "version-2" and alert.delivered_at is None
    assert (await control.versions.current()).id == stable.id
    assert await chain(control.database, stable.id) == []


async def test_set_so_it_goes_back_once_and_stays_there(control: Control) -> None:
    first = await control.versions.current()
    await control.reviewed(first, times=20)
    stable = await promoted(control.database)
    await control.ended(stable, ReviewStatus.FAILED, 10)
    tick = await control.watched(auto_rollback=True)
    assert (tick.version, tick.breached, tick.alerted, tick.rolled_back_to) == (2, True, True, 1)
    assert await chain(control.database, stable.id) == [("version_rolled_back", "conclave", None)]
    assert await control.watched(auto_rollback=True) == StableTick(version=1, reviews=20)
    assert (await control.versions.current()).id == first.id
    assert len(await control.alerts()) == 1


async def test_with_nowhere_to_go_it_tries_once_and_the_chain_has_it_once(control: Control) -> None:
    shipped = await control.versions.current()
    await control.ended(shipped, ReviewStatus.FAILED, 10)
    assert (await control.watched(auto_rollback=True)).refused == "no_previous_version"
    again = await control.watched(auto_rollback=True)
    assert (again.breached, again.refused, again.rolled_back_to) == (True, None, None)
    assert await chain(control.database, shipped.id) == [("rollback_refused", "conclave", "no_previous_version")]


async def test_old_errors_fall_out_of_the_window(control: Control) -> None:
    stable = await promoted(control.database)
    await control.ended(stable, ReviewStatus.FAILED, 10)
    await control.reviewed(stable, times=45)
    seen = await control.watched()
    assert (seen.reviews, seen.errors, seen.breached) == (50, 5, False)


async def test_a_tick_compares_as_many_pairs_as_it_is_told_and_the_next_goes_on(control: Control) -> None:
    trials = PostgresTrials(control.database)
    datasets = PostgresDatasets(control.database, PostgresSources(control.database))
    experiments = PostgresExperiments(control.database, datasets, "test")
    trial, _ = await trials.start(await experiments.get(await passed(control.database)), 100, "oscar")
    stable = await control.versions.current()
    for _ in range(4):
        live, shadow = await control.begun(stable), order(review_id=uuid.uuid4().hex, source_id=control.source)
        await trials.add(trial.id, live, shadow)
        for review_id in (live, shadow.review_id):
            await control.reviews.publish([made(review_id, report())])
    monitor = control.monitor()
    ticks = [await ActivityEnvironment().run(monitor.follow_trials, ORDER) for _ in range(3)]
    assert ticks == [TrialTick(compared=3), TrialTick(compared=1), TrialTick()]
    found = (await trials.get(trial.id)).report
    assert found is not None and (found.whole, found.agreement, found.overlap) == (4, 1.0, None)

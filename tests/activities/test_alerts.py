"""From the outbox in the real database to real webhooks: once each, whatever fails in between."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities import alerts as alerts_module
from activities.alerts import AlertActivities
from activities.delivery.apprise import AppriseNotifier
from activities.provider_ports import ProviderUnknown
from activities.storage.alerts import PostgresAlerts, raise_alert
from activities.storage.database import Database
from models.alert import Alert, AlertType, DeliveryOrder, DeliveryReport
from models.provider import Provider
from tests.activities.catalogued import a_provider
from tests.activities.delivery.webhook import Webhook

PROVIDER = a_provider(name="gpt-9")


class Catalogue:
    async def active(self) -> list[Provider]:
        return [PROVIDER]

    async def get(self, provider_id: str) -> Provider:
        if provider_id != PROVIDER.id:
            raise ProviderUnknown
        return PROVIDER


class Dies(Exception):
    """The worker is gone between two steps."""


def delivering(outbox: Any, *hooks: Webhook) -> AlertActivities:
    return AlertActivities(outbox, AppriseNotifier([SecretStr(hook.url) for hook in hooks]), Catalogue())


async def tick(of: AlertActivities, most: int = 100) -> DeliveryReport:
    return await ActivityEnvironment().run(of.deliver_alerts, DeliveryOrder(most=most))


async def alert(database: Database, kind: AlertType = AlertType.DAILY_COST, subject: str = "ann", at: int = 80) -> None:
    async with database.transaction() as session:
        await raise_alert(session, kind, subject, "2026-11-26", at)


async def stored(database: Database) -> list[Alert]:
    return await PostgresAlerts(database).page(None, 100)


async def let_them_pass(database: Database) -> None:
    """As if every lease and every wait were over."""
    async with database.statements() as session:
        await session.execute(text("UPDATE cost_alerts SET claimed_until = now() - interval '1 second'"))


async def test_each_alert_reaches_each_target_once_however_many_ticks_and_workers(database: Database) -> None:
    for at in (80, 90, 100):
        await alert(database, at=at)
        await alert(database, at=at)  # crossed twice, raised once
    await alert(database, AlertType.PROVIDER_UNHEALTHY, PROVIDER.id, 0)
    async with Webhook() as one, Webhook() as other:
        workers = [delivering(PostgresAlerts(database), one, other) for _ in range(4)]
        reports = await asyncio.gather(*(tick(each) for each in workers))
        assert await tick(workers[0]) == DeliveryReport(targets=2)
    assert sum(each.delivered for each in reports) == 4
    for hook in (one, other):
        assert sorted(hook.titles) == [
            "Conclave: 100 % of the daily spending limit of ann used",
            "Conclave: 80 % of the daily spending limit of ann used",
            "Conclave: 90 % of the daily spending limit of ann used",
            "Conclave: provider gpt-9 is unhealthy",
        ]
    assert all(each.delivered_at is not None for each in await stored(database))


async def test_a_target_that_fails_is_tried_again_alone_and_later_each_time(database: Database) -> None:
    await alert(database)
    async with Webhook() as good, Webhook() as broken:
        broken.statuses = [500, 500]
        worker = delivering(PostgresAlerts(database), good, broken)
        assert await tick(worker) == DeliveryReport(postponed=1, targets=2)
        assert await tick(worker) == DeliveryReport(targets=2), "not before its time"
        assert 50 < await waits(database) <= 60
        await let_them_pass(database)
        assert (await tick(worker)).postponed == 1
        assert 110 < await waits(database) <= 120
        await let_them_pass(database)
        assert (await tick(worker)).delivered == 1
        await let_them_pass(database)
        assert (await tick(worker)).delivered == 0
    assert (len(good.taken), len(broken.taken)) == (1, 3)


async def waits(database: Database) -> float:
    async with database.statements() as session:
        return float(
            (
                await session.execute(text("SELECT extract(epoch FROM claimed_until - now()) FROM cost_alerts"))
            ).scalar_one()
        )


async def test_one_that_fails_holds_back_no_other(database: Database) -> None:
    for at in (80, 90, 100):
        await alert(database, at=at)
    async with Webhook() as hook:
        hook.statuses = [500]
        assert await tick(delivering(PostgresAlerts(database), hook)) == DeliveryReport(
            delivered=2, postponed=1, targets=1
        )


class DyingOutbox(PostgresAlerts):
    """Loses its worker when a target's answer is to be noted, or right after."""

    def __init__(self, database: Database, noted: bool) -> None:
        super().__init__(database)
        self._noted = noted

    async def note_sent(self, alert_id: str, target: str) -> None:
        if self._noted:
            await super().note_sent(alert_id, target)
        raise Dies


@pytest.mark.parametrize(("noted", "messages"), [(True, 1), (False, 2)])
async def test_a_worker_that_dies_after_sending(database: Database, noted: bool, messages: int) -> None:
    """Before the note of it, a second message is the price of never losing one; after it, there is none."""
    await alert(database)
    async with Webhook() as hook:
        with pytest.raises(Exception, match="internal"):
            await tick(delivering(DyingOutbox(database, noted), hook))
        successor = delivering(PostgresAlerts(database), hook)
        assert (await tick(successor)).delivered == 0, "the lease of the dead one holds"
        await let_them_pass(database)
        assert (await tick(successor)).delivered == 1
        assert len(hook.taken) == messages


async def test_without_an_address_alerts_stay_and_are_seen(database: Database) -> None:
    await alert(database)
    assert await tick(delivering(PostgresAlerts(database))) == DeliveryReport(targets=0)
    [left] = await stored(database)
    assert left.delivered_at is None and left.attempts == 0


async def test_what_is_acknowledged_or_long_past_is_no_news(database: Database) -> None:
    await alert(database, at=80)
    await PostgresAlerts(database).acknowledge((await stored(database))[0].id, "me")
    await alert(database, at=90)
    async with database.statements() as session:
        await session.execute(
            text("UPDATE cost_alerts SET triggered_at = :then WHERE threshold_percentage = 90"),
            {"then": datetime.now(UTC) - timedelta(days=30)},
        )
    async with Webhook() as hook:
        assert (await tick(delivering(PostgresAlerts(database), hook))).delivered == 0
    assert hook.taken == []


async def test_a_tick_is_bounded_and_the_oldest_go_first(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in (80, 90, 100):
        await alert(database, at=at)
    monkeypatch.setattr(alerts_module, "LEASE_SECONDS", 30.0)
    async with Webhook() as hook:
        assert (await tick(delivering(PostgresAlerts(database), hook), most=2)).delivered == 2
    assert ["80 %" in title or "90 %" in title for title in hook.titles] == [True, True]

"""A trial and the monitor on a running service: shadows that nobody sees, and a stable version that errs too often."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from temporalio.client import Client as Temporal
from temporalio.contrib.pydantic import pydantic_data_converter
from typer.testing import CliRunner

from activities.storage.database import Database, engine_for
from activities.storage.providers import PostgresProviders
from activities.storage.reviews import PostgresReviews
from activities.storage.statements import Statements
from models.config import AnalysisConfig
from models.ids import review_workflow_id
from models.provider import PriceOverride
from models.review import ReviewStatus
from models.reviewer_config import ReviewerConfig
from models.settings import Settings
from models.trial import PAYER, candidate_review_id
from starter.cli import app
from starter.connection import connect
from starter.reviews import TIER
from starter.stack.launcher import ALL, Stack
from tests.activities.passed import a_config, chain, passed
from tests.activities.versioned import promoted
from tests.fakes import order
from tests.stack_fixture import new_folder, running_stack
from tests.starter.test_model_reviews import CODE, Providers

CANDIDATE = ReviewerConfig(analysis=AnalysisConfig(min_confidence=1.0))
"""One whose analysers are never sure enough: what is left is what a model says."""

OWN = {"review_id", "generated_at", "experts"}
"""What differs between two reviews of one source; of experts, the seconds."""


@dataclass
class Site:
    """A service, its caller, and what lies behind it."""

    stack: Stack
    api: httpx.AsyncClient
    second: httpx.AsyncClient
    database: Database
    temporal: Temporal

    async def reviewed(self, source_id: str) -> tuple[str, dict[str, Any]]:
        """Id and report of a review."""
        review_id = (await self.api.post("/reviews", json={"source_id": source_id, "experts": ["security"]})).json()[
            "id"
        ]

        async def over() -> bool:
            return (await self.api.get(f"/reviews/{review_id}")).json()["status"] == "completed"

        await until(over)
        report = (await self.api.get(f"/reviews/{review_id}/report")).json()
        return review_id, {name: value for name, value in report.items() if name not in OWN}

    async def tick(self) -> None:
        """What the schedule does every five minutes."""
        await self.temporal.get_schedule_handle("conclave-stable-monitor").trigger()

    async def quota(self, user: str) -> tuple[int, int]:
        """Daily limit and what is spent of it, in micro-USD."""
        [found] = (await self.api.get("/quotas", params={"user": user})).json()["quotas"]
        return found["limits"]["daily_micro_usd"], found["day"]["spent_micro_usd"]

    async def trial(self, trial_id: str) -> dict[str, Any]:
        return (await self.api.get(f"/trials/{trial_id}")).json()

    def run(self, *arguments: str, code: int = 0) -> str:
        """What `conclave` prints."""
        environment = {"CONCLAVE_HOME": str(self.stack.home), "COLUMNS": "200"}
        done = CliRunner().invoke(app, arguments, env=environment)
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.stderr


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + 40
    while not await true():
        assert time.monotonic() < end
        await asyncio.sleep(0.2)


@pytest.fixture(scope="module")
def errs() -> Generator[Stack]:
    """A stack that goes back by itself, with a provider that every expert may ask."""
    providers = Providers()
    more = {"auto_rollback": True, "allow_loopback_providers": True}
    with new_folder() as folder, running_stack(folder / "home", ALL, **more) as found:
        entry = providers.start("paid").catalogue_entry(
            name="paid", needs_key=False, price=PriceOverride(input=Decimal(1), output=Decimal(2))
        )

        async def add() -> None:
            engine = engine_for(found.environment()["CONCLAVE_DATABASE_URL"])
            await PostgresProviders(Database(engine)).add(entry)
            await engine.dispose()

        asyncio.run(add())
        yield found
    providers.stop()


@pytest.fixture
async def site(errs: Stack) -> AsyncGenerator[Site]:
    environment = errs.environment()

    def client(variable: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {environment[variable]}"}
        return httpx.AsyncClient(base_url=errs.api_url or "", headers=headers, timeout=30)

    engine = engine_for(environment["CONCLAVE_DATABASE_URL"])
    settings = Settings(temporal_address=environment["TEMPORAL_ADDRESS"])
    temporal = await connect(settings, pydantic_data_converter, "test")
    async with client("CONCLAVE_API_TOKEN") as local, client("CONCLAVE_SECOND_TOKEN") as second:
        yield Site(errs, local, second, Database(engine), temporal)
    await engine.dispose()


async def test_a_candidate_reviews_behind_the_live_review_and_nobody_sees_it(site: Site) -> None:
    upload = {"label": "shop", "files": [{"path": "app.py", "text": CODE}]}
    source_id = (await site.api.post("/sources", json=upload)).json()["source_id"]
    first, before = await site.reviewed(source_id)
    experiment = await passed(site.database, CANDIDATE)
    begin = {"experiment_id": experiment, "share_percent": 100}
    assert (await site.second.post("/trials", json=begin)).status_code == 403
    begun = await site.api.post("/trials", json=begin)
    assert begun.status_code == 201, begun.text
    trial_id = begun.json()["id"]
    again = await site.api.post("/trials", json=begin)
    assert (again.status_code, again.json()["id"]) == (200, trial_id)
    assert await site.quota(PAYER) == (5_000_000, 0)

    live, report = await site.reviewed(source_id)
    assert report == before and len(report["findings"]) > 1
    shadow = candidate_review_id(trial_id, live)

    async def compared() -> bool:
        await site.tick()
        return bool((await site.trial(trial_id))["report"]["compared"])

    await until(compared)
    shown = (await site.trial(trial_id))["report"]
    found = len(report["findings"])
    assert (shown["pairs"], shown["whole"], shown["stable"]["findings"]) == (1, 1, found)
    assert (shown["candidate"]["findings"], shown["common"], shown["overlap"]) == (1, 1, 2 / (found + 1))
    assert (shown["agreement"], shown["stable_cost_micro_usd"]) == (1.0, report["cost_micro_usd"])
    assert (await site.quota("local"))[1] == 2 * report["cost_micro_usd"] > 0
    assert (await site.quota(PAYER))[1] == shown["candidate_cost_micro_usd"] > 0
    mine = [each["id"] for each in (await site.api.get("/reviews")).json()["reviews"]]
    assert mine == [live, first]
    for path in (f"/reviews/{shadow}", f"/reviews/{shadow}/report", f"/reviews/{shadow}/events"):
        assert (await site.api.get(path)).status_code == 404
    process = await site.temporal.get_workflow_handle(review_workflow_id(shadow)).describe()
    assert process.typed_search_attributes[TIER] == "experimental"

    assert "1 compared, 1 of them whole" in site.run("trial", "show")
    other = await passed(site.database, a_config())
    assert "[trial_running]" in site.run("trial", "start", other, "--share", "5", code=2)
    assert "[invalid_option]" in site.run("trial", "stop", "--reason", "x", code=2)
    await site.api.post("/reviews", json={"source_id": source_id, "experts": ["security"]})
    assert "seen enough" in site.run("trial", "stop", "--reason", "seen enough")

    async def dropped() -> bool:
        return (await site.trial(trial_id))["report"]["waiting"] == 0

    await until(dropped)
    stopped = await site.trial(trial_id)
    assert (stopped["status"], stopped["reason"], stopped["report"]["pairs"]) == ("stopped", "seen enough", 2)
    assert json.loads(site.run("trial", "list", "--json"))[0]["id"] == trial_id
    assert [each[:2] for each in await chain(site.database, trial_id)] == [
        ("rollout_started", "local"),
        ("rollout_stopped", "local"),
    ]
    await site.reviewed(source_id)
    assert (await site.trial(trial_id))["report"]["pairs"] == 2


async def test_what_may_not_be_tried_is_refused_and_who_asked_is_on_the_chain(site: Site) -> None:
    config = a_config()
    experiment = await passed(site.database, config)
    stable = await passed(site.database, ReviewerConfig())
    answer = await site.api.post("/trials", json={"experiment_id": stable})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "already_stable")
    await site.api.post(f"/experiments/{experiment}/quarantine", json={"reason": "leaks names"})
    answer = await site.api.post("/trials", json={"experiment_id": experiment})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "config_quarantined")
    refused = (await site.api.get("/audit", params={"action": "config_refused"})).json()["entries"][0]
    assert (refused["actor"], refused["data"]) == ("local", {"what": "trial"})
    for body, status, code in (
        ({"experiment_id": "f" * 32}, 404, "experiment_unknown"),
        ({"experiment_id": experiment, "share_percent": 0}, 422, "invalid_field"),
        ({"experiment_id": experiment, "share_percent": 101}, 422, "invalid_field"),
    ):
        answer = await site.api.post("/trials", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert (await site.api.get(f"/trials/{'f' * 32}")).json()["error"]["code"] == "trial_unknown"


async def test_a_stable_version_that_errs_too_often_alerts_and_goes_back(site: Site) -> None:
    before = (await site.api.get("/versions/stable")).json()
    stable = await promoted(site.database)
    assert stable.number == before["number"] + 1
    upload = {"label": "shop", "files": [{"path": "app.py", "text": CODE}]}
    source_id = (await site.api.post("/sources", json=upload)).json()["source_id"]
    statements = Statements(site.stack.environment()["CONCLAVE_DATABASE_URL"])
    reviews = PostgresReviews(site.database, statements)
    for _ in range(10):
        wanted = order(review_id=uuid.uuid4().hex, source_id=source_id, config_hash=stable.config_hash)
        await reviews.accept("ann", wanted, "0" * 64, None)
        await reviews.finish(wanted.review_id, ReviewStatus.FAILED, "internal", datetime.now(UTC))
    await statements.close()

    async def back() -> bool:
        await site.tick()
        return (await site.api.get("/versions/stable")).json()["id"] == before["id"]

    await until(back)
    await site.tick()
    alerts = (await site.api.get("/alerts")).json()["alerts"]
    assert [each["subject"] for each in alerts if each["alert_type"] == "stable_errors"] == [f"version-{stable.number}"]
    assert await chain(site.database, stable.id) == [("version_rolled_back", "conclave", None)]
    assert (await site.api.get("/versions/stable")).json()["id"] == before["id"]

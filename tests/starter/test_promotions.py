"""Promotions as two people make them, on a running service: by HTTP and by the command line."""

import json
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from temporalio.contrib.pydantic import pydantic_data_converter
from typer.testing import CliRunner

from activities.policy.regopy_engine import RegopyEngine
from activities.storage.blacklist import PostgresBlacklist
from activities.storage.database import Database, engine_for
from models.gate import PolicyName
from models.ids import promotion_workflow_id
from models.reviewer_config import ReviewerConfig
from models.settings import Settings
from starter.cli import app
from starter.connection import connect
from starter.intake.collect import collect
from starter.stack.launcher import Stack, up
from tests.activities.passed import a_config, chain, passed
from tests.service_fixture import EXAMPLES, client_of, settings_of

REASON = {"reason": "finds more"}


@dataclass
class Two:
    """The two identities of a local stack, and what is in its database."""

    stack: Stack
    local: httpx.AsyncClient
    second: httpx.AsyncClient
    database: Database

    async def passed(self, author: str = "local", config: ReviewerConfig | None = None) -> str:
        """An experiment that passed the gate's present policy."""
        policy = RegopyEngine().hash_of(PolicyName.DEFAULT)
        return await passed(self.database, config, author=author, policy_hash=policy)

    async def asked(self, author: str = "local") -> dict[str, Any]:
        experiment = await self.passed(author)
        answer = await self.local.post(f"/experiments/{experiment}/promote", json=REASON)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def stable(self) -> dict[str, Any]:
        return (await self.local.get("/versions/stable")).json()

    def run(self, *arguments: str, code: int = 0) -> str:
        """What `conclave` prints."""
        environment = {"CONCLAVE_HOME": str(self.stack.home), "COLUMNS": "250"}
        done = CliRunner().invoke(app, arguments, env=environment)
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.stderr


@asynccontextmanager
async def two_of(service: Stack) -> AsyncGenerator[Two]:
    environment = service.environment()
    assert service.api_url is not None

    def client(variable: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {environment[variable]}"}
        return httpx.AsyncClient(base_url=service.api_url or "", headers=headers, timeout=30)

    engine = engine_for(environment["CONCLAVE_DATABASE_URL"])
    async with client("CONCLAVE_API_TOKEN") as local, client("CONCLAVE_SECOND_TOKEN") as second:
        yield Two(service, local, second, Database(engine))
    await engine.dispose()


@pytest.fixture
async def two(service: Stack) -> AsyncGenerator[Two]:
    async with two_of(service) as found:
        yield found


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_one_asks_and_the_other_approves(two: Two) -> None:
    before, asked = await two.stable(), await two.asked()
    path = f"/promotions/{asked['id']}"
    assert (asked["status"], asked["needed"], asked["author"]) == ("awaiting", 1, "local")
    told = {"evidence": asked["evidence"]}
    assert code_of(await two.local.post(f"{path}/approve", json=told)) == (403, "own_experiment")
    stale = {"evidence": asked["evidence"] | {"policy_hash": f"policy:v1:sha256:{'9' * 64}"}}
    assert code_of(await two.second.post(f"{path}/approve", json=stale)) == (409, "evidence_changed")
    assert (await two.second.post(f"{path}/approve", json=told)).json()["status"] == "applied"
    assert (await two.second.post(f"{path}/approve", json=told)).json()["status"] == "applied"
    assert code_of(await two.second.post(f"{path}/reject", json=REASON)) == (409, "promotion_decided")
    now = await two.stable()
    assert (now["number"], now["promotion_id"]) == (before["number"] + 1, asked["id"])
    assert [each[::2] for each in await chain(two.database, asked["id"])] == [
        ("promotion_requested", None),
        ("promotion_refused", "own_experiment"),
        ("promotion_refused", "evidence_changed"),
        ("promotion_approved", None),
        ("promotion_applied", None),
        ("promotion_refused", "promotion_decided"),
    ]
    back = await two.local.post("/versions/rollback", json={"reason": "errors", "from_version_id": now["id"]})
    assert back.json()["id"] == before["id"]


async def test_a_role_is_needed_and_who_tries_without_is_on_the_chain(two: Two) -> None:
    asked = await two.asked(author="ann")
    for path, role in (
        (f"/experiments/{asked['experiment_id']}/promote", "operator"),
        (f"/experiments/{asked['experiment_id']}/quarantine", "operator"),
        ("/versions/rollback", "operator"),
    ):
        answer = await two.second.post(path, json=REASON)
        assert code_of(answer) == (403, "forbidden") and role in answer.json()["error"]["message"], path
    rolled = await chain(two.database, "POST /versions/rollback")
    assert rolled == [("forbidden", "second", None)]
    assert code_of(await two.second.post(f"/promotions/{asked['id']}/withdraw")) == (403, "not_yours")
    assert (await two.local.post(f"/promotions/{asked['id']}/withdraw")).json()["status"] == "withdrawn"


async def test_a_signal_from_outside_promotes_nothing_and_a_killed_worker_forgets_nothing(two: Two) -> None:
    before, asked = await two.stable(), await two.asked()
    temporal = await connect(
        Settings(temporal_address=two.stack.environment()["TEMPORAL_ADDRESS"]), pydantic_data_converter, "mallory"
    )
    handle = temporal.get_workflow_handle(promotion_workflow_id(asked["id"]))
    for _ in range(3):
        await handle.signal("approval_stored")
    os.kill(two.stack.pids["worker"], signal.SIGKILL)
    up(settings_of(two.stack), refresh=False)
    assert (await two.local.get(f"/promotions/{asked['id']}")).json()["status"] == "awaiting"
    assert await two.stable() == before
    done = await two.second.post(f"/promotions/{asked['id']}/approve", json={"evidence": asked["evidence"]})
    assert done.status_code == 200

    async def applied() -> bool:
        return (await two.local.get(f"/promotions/{asked['id']}")).json()["status"] == "applied"

    await until(applied)


async def test_a_process_that_temporal_lost_is_started_again(two: Two) -> None:
    experiment = await two.passed()
    asked = (await two.local.post(f"/experiments/{experiment}/promote", json=REASON)).json()
    async with two.database.statements() as session:
        lost = "0" * 31 + "1"
        query = text(
            "INSERT INTO promotions SELECT :lost, :other, from_version_id, NULL, status, reason, evidence, needed, "
            "author, requested_by, requested_at - interval '1 hour', expires_at, NULL, NULL, NULL, NULL, request_hash "
            "FROM promotions WHERE id = :id"
        )
        other = await two.passed()
        await session.execute(query, {"lost": lost, "other": other, "id": asked["id"]})
    temporal = await connect(
        Settings(temporal_address=two.stack.environment()["TEMPORAL_ADDRESS"]), pydantic_data_converter, "test"
    )
    await until(lambda: described(temporal, lost))
    for each in (lost, asked["id"]):
        await two.local.post(f"/promotions/{each}/withdraw")


async def described(temporal: Any, promotion_id: str) -> bool:
    from temporalio.service import RPCError

    try:
        await temporal.get_workflow_handle(promotion_workflow_id(promotion_id)).describe()
    except RPCError:
        return False
    return True


async def until(true: Callable[[], Any]) -> None:
    import asyncio

    end = time.monotonic() + 30
    while not await true():
        assert time.monotonic() < end
        await asyncio.sleep(0.2)


async def test_the_command_line_does_it_all(two: Two) -> None:
    experiment = await two.passed("ann", a_config())
    number = (await two.stable())["number"]
    assert "waits for 1 approver until" in two.run("promote", experiment, "--reason", "finds more")
    promotion = json.loads(two.run("promotions", "--json"))[0]["id"]
    assert "Nobody can be asked here" in two.run("approve", promotion, "--as", "second", code=2)
    assert "[own_request]" in two.run("approve", promotion, "--yes", code=2)
    shown = two.run("approve", promotion, "--as", "second", "--yes")
    assert "Gate" in shown and "pass by policy default" in shown and "Promoted" in shown
    assert json.loads(two.run("versions", "--json"))[0]["number"] == number + 1
    assert "applied" in two.run("promotions") and "Report" in two.run("promotions", promotion)
    assert f"Version {number}" in two.run("rollback", "--reason", "errors", "--yes")
    assert "is quarantined" in two.run("quarantine", experiment, "--reason", "leaks names")
    assert "leaks names" in two.run("blacklist")
    name = json.loads(two.run("blacklist", "list", "--json"))[0]["config_hash"]
    assert "[own_quarantine]" in two.run("blacklist", "release", name, "--reason", "please", code=2)
    assert "is released" in two.run("blacklist", "release", name, "--reason", "was wrong", "--as", "second")
    assert "[invalid_option]" in two.run("blacklist", "release", name, "--reason", "x", code=2)
    assert "[not_passed]" in two.run("promote", experiment, "--reason", "once more", code=2)
    assert "[invalid_option]" in two.run("reject", promotion, "--reason", "because", "--as", "third", code=2)
    again = await two.asked(author="ann")
    assert "rejected" in two.run("reject", again["id"], "--reason", "too dear", "--as", "second")
    assert "withdrawn" in two.run("withdraw", (await two.asked())["id"])


async def test_no_review_is_made_with_a_quarantined_version(two: Two) -> None:
    stable = await two.stable()
    source = client_of(two.stack).submit_source(collect(EXAMPLES / "python-shop"))
    await PostgresBlacklist(two.database).quarantine(stable["config_hash"], "leaks names", {}, "oscar")
    refused = await two.local.post("/reviews", json={"source_id": source.source_id})
    assert code_of(refused) == (409, "config_quarantined")
    assert "conclave rollback" in refused.json()["error"]["message"]
    assert (await two.stable())["tier"] == "v3"
    freed = await two.second.post(f"/blacklist/{stable['config_hash']}/release", json={"reason": "was wrong"})
    assert freed.json()["review_status"] == "released"
    assert (await two.stable())["tier"] == "v2"


async def test_bad_requests_are_refused_and_change_nothing(two: Two) -> None:
    asked = await two.asked()
    path = f"/promotions/{asked['id']}"
    for evidence in (
        {},
        asked["evidence"] | {"report_hash": "x\0"},
        asked["evidence"] | {"dataset_hash": "SELECT"},
        asked["evidence"] | {"surprise": 1},
    ):
        assert (await two.second.post(f"{path}/approve", json={"evidence": evidence})).status_code == 422
    for reason in ("", "  a  ", "line\nbreak", "nul\0", "x" * 401):
        assert (await two.second.post(f"{path}/reject", json={"reason": reason})).status_code == 422
    for method, unknown, code in (
        ("GET", "/promotions/%00", "promotion_unknown"),
        ("POST", "/promotions/nobody/withdraw", "promotion_unknown"),
        ("GET", "/versions/0", "version_unknown"),
        ("GET", "/versions/..%00", "version_unknown"),
    ):
        assert code_of(await two.local.request(method, unknown)) == (404, code)
    for unknown in ("cfg:v1:sha256:" + "0" * 64, "%00", "cfg"):
        assert code_of(await two.second.post(f"/blacklist/{unknown}/release", json=REASON)) == (
            404,
            "quarantine_unknown",
        )
    for unknown in ("promote", "quarantine"):
        assert code_of(await two.local.post(f"/experiments/{'0' * 32}/{unknown}", json=REASON)) == (
            404,
            "experiment_unknown",
        )
    assert (await two.local.get(path)).json() == asked
    key = {"Idempotency-Key": "again"}
    experiment = await two.passed()
    first, again, other = [
        await two.local.post(f"/experiments/{experiment}/promote", json={"reason": reason}, headers=key)
        for reason in ("because", "because", "another reason")
    ]
    assert first.json()["id"] == again.json()["id"] and again.headers["Idempotent-Replayed"] == "true"
    assert code_of(other) == (422, "idempotency_mismatch")
    found = (await two.local.get("/promotions?status=awaiting&page_size=1")).json()
    assert found["promotions"][0]["id"] == first.json()["id"] and found["next_cursor"]
    for each in (asked["id"], first.json()["id"]):
        assert (await two.local.post(f"/promotions/{each}/withdraw")).status_code == 200

"""Bad input of every kind is refused with the right code, never repeated, and leaves nothing behind."""

import hashlib
import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from activities.policy.regopy_engine import RegopyEngine
from activities.storage.database import Database
from models.gate import Outcome, PolicyName
from starter.stack.launcher import Stack
from tests.activities.passed import passed
from tests.starter.api.bad_inputs import BAD_INPUTS, CANARY, REASON, STALE, Bad
from tests.starter.api.provider_desk import Desk, desk_on, error_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = {"eve": ["approver"], "ann": ["operator", "approver"]}
WRITTEN_ANYWAY = {"alembic_version", "audit_log"}
"""Who is refused a promotion is on the audit chain."""


@dataclass
class World:
    """What bad input is aimed at, and how many rows there are of everything."""

    desk: Desk
    named: dict[str, Any]
    rows: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncGenerator[World]:
    people = [
        {"name": name, "token_sha256": hashlib.sha256(_token(name).encode()).hexdigest(), "roles": ["user", *roles]}
        for name, roles in PEOPLE.items()
    ]
    async with desk_on(stack, CONCLAVE_IDENTITIES=json.dumps(people)) as desk:
        desk.names.told |= {
            "private.test": ["93.184.216.34", "10.0.0.5"],
            "metadata.test": ["169.254.169.254"],
            "mapped.test": ["::ffff:127.0.0.1"],
            "nowhere.test": [],
        }
        provider = (await desk.provider())["name"]
        database = _database(desk)
        policy = RegopyEngine().hash_of(PolicyName.DEFAULT)
        experiment = await passed(database, author="ann", policy_hash=policy)
        asked = (await desk.api.post(f"/experiments/{experiment}/promote", json=REASON)).json()
        named = {
            "provider": provider,
            "key": (await desk.key(provider))["id"],
            "experiment": experiment,
            "fresh": await passed(database, None, "local", Outcome.FAIL, "created", policy_hash=policy),
            "failed": await passed(database, None, "local", Outcome.FAIL, "quarantined", policy_hash=policy),
            "promotion": asked["id"],
            "evidence": asked["evidence"],
            "stale": asked["evidence"] | {"policy_hash": STALE},
            "malformed": asked["evidence"] | {"dataset_hash": "SELECT"},
        }
        yield World(desk, named, await _rows(database))


def _token(name: str) -> str:
    return f"token-of-{name}-0123456789"


def _database(desk: Desk) -> Database:
    return desk.app.state.conclave.services.database


async def _rows(database: Database) -> int:
    """Rows of all tables together."""
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    async with database.statements() as session:
        names = [name for (name,) in await session.execute(text(tables)) if name not in WRITTEN_ANYWAY]
        counts = " + ".join(f"(SELECT count(*) FROM {name})" for name in names)
        return (await session.execute(text(f"SELECT {counts}"))).scalar_one()


def _filled(value: Any, named: dict[str, Any]) -> Any:
    """With `{name}` replaced; a text that is nothing else becomes what it names."""
    if isinstance(value, dict):
        return {key: _filled(each, named) for key, each in value.items()}
    if isinstance(value, str):
        whole = re.fullmatch(r"{(\w+)}", value)
        return named[whole[1]] if whole and whole[1] in named else value
    return value


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=str)
async def test_bad_input(world: World, bad: Bad) -> None:
    path = re.sub(r"{(\w+)}", lambda found: str(world.named[found[1]]), bad.path)
    content = bad.send if isinstance(bad.send, bytes | None) else json.dumps(_filled(bad.send, world.named)).encode()
    headers = {"Content-Type": "application/json"} | bad.headers
    if bad.who != "local":
        headers["Authorization"] = f"Bearer {_token(bad.who)}"
    answer = await world.desk.api.request(bad.method, path, content=content, headers=headers)
    assert error_of(answer) == (bad.status, bad.code), answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "details"} and bad.says in error["message"]
    assert len(error["message"]) > 10
    said = answer.text + str(answer.headers)
    assert CANARY not in said and "Traceback" not in said
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Cache-Control"] == "no-store"
    assert (answer.status_code != 405) or answer.headers["Allow"]
    assert await _rows(_database(world.desk)) == world.rows


async def test_6_a_body_without_a_length_is_cut_at_the_cap(world: World) -> None:
    sent = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal sent
        for _ in range(2**16):
            sent += 2**16
            yield b" " * 2**16

    headers = {"Content-Type": "application/json"}
    answer = await world.desk.api.post("/datasets", content=endless(), headers=headers)
    assert error_of(answer) == (413, "body_too_large")
    assert sent < 2**27
    sent = 0
    answer = await world.desk.api.post("/providers/gpt-4-turbo/test", content=endless(), headers=headers)
    assert error_of(answer) == (413, "body_too_large") and sent < 2**20
    assert await _rows(_database(world.desk)) == world.rows


async def test_24_a_flood_of_ranges_is_ignored(world: World) -> None:
    ranges = "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(500))
    answer = await world.desk.api.get("/reviews", headers={"Range": ranges})
    assert (answer.status_code, answer.json()) == (200, {"reviews": [], "next_cursor": None})

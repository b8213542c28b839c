"""A provider's key, after every way a call can fail: it is at the provider, and nowhere else."""

import asyncio
import time
import uuid
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from activities.keys.sealer import EnvelopeSealer
from activities.storage.database import Database, engine_for
from activities.storage.providers import PostgresProviders
from activities.storage.user_keys import PostgresKeys
from models.provider import PLATFORM, PriceOverride
from models.settings import Settings
from models.submission import ReviewSubmission
from starter.client import Client
from starter.intake.collect import collect
from starter.provider_services import key_service
from starter.stack.launcher import ALL, Stack, up
from tests.durability.test_kills import kill, wait
from tests.providers.replies import Reply
from tests.security.canary import found_in, fresh, leaks, planted
from tests.service_fixture import client_of
from tests.stack_fixture import running_stack, stack_settings
from tests.starter.test_model_reviews import Providers

pytestmark = pytest.mark.campaign

KEYS = {name: f"sk-{fresh(name)}" for name in ("first", "second")}
CODE = fresh("prompted")
PATH = "/v1/chat/completions"


def echoing(status: int, **more: object) -> Reply:
    """An answer that repeats the key and the code: providers do."""
    told = {"error": {"message": f"Incorrect API key: {KEYS['first']} for {CODE}", "code": KEYS["first"]}}
    return Reply(status=status, body=told, **more)  # type: ignore[arg-type]


FAILURES = {
    "refused key": echoing(401),
    "no money": echoing(402),
    "rate limit": echoing(429, headers={"retry-after": "1"}),
    "server error": echoing(500),
    "echo as answer": echoing(200),
    "garbage": Reply(body=f"<html>{KEYS['first']} {CODE}</html>"),
    "redirect": Reply(status=302, headers={"location": f"http://127.0.0.1:1/{KEYS['first']}"}),
    "reset": Reply(disconnect=True),
    "hang": Reply(hang=True),
    "cut": Reply(cut=20),
}


@dataclass
class Used:
    """A stack after use, and what its API said."""

    stack: Stack
    bodies: list[str]
    asked: int
    sent: set[str]
    """Authorization headers that arrived at the provider."""


async def store(stack: Stack, providers: Providers) -> None:
    """Two providers, each with a platform key of its own."""
    environment = stack.environment()
    settings: Settings = stack_settings(
        stack.home,
        vault_address=environment["CONCLAVE_VAULT_ADDRESS"],
        vault_token=environment["CONCLAVE_VAULT_TOKEN"],
    )
    engine = engine_for(environment["CONCLAVE_DATABASE_URL"])
    database = Database(engine)
    keys = PostgresKeys(database, EnvelopeSealer(key_service(settings)))
    for name, key in KEYS.items():
        entry = providers.start(name).catalogue_entry(
            id=uuid.uuid4().hex, name=name, price=PriceOverride(input="1", output="2"), timeout_seconds=2
        )
        await PostgresProviders(database).add(entry)
        await keys.add(PLATFORM, entry, bytearray(key.encode()))
    await engine.dispose()


async def revive(stack: Stack) -> None:
    """Keys that were set aside are used again: every failure is to meet the key."""
    from sqlalchemy import text

    engine = engine_for(stack.environment()["CONCLAVE_DATABASE_URL"])
    async with Database(engine).statements() as session:
        await session.execute(text("UPDATE user_providers SET state = 'active', is_active = true, reason = NULL"))
    await engine.dispose()


def submit(client: Client, source: Path, *providers: str) -> str:
    stored = client.submit_source(collect(source))
    asked = ReviewSubmission(source_id=stored.source_id, experts=("quality",), providers=providers)  # type: ignore[arg-type]
    return client.submit_review(asked).id


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Generator[Used]:
    providers = Providers()
    source = tmp_path_factory.mktemp("code") / "app.py"
    source.write_text(f"def run(name):\n    return eval(name + '{CODE}')\n", encoding="utf-8")
    bodies: list[str] = []
    home = tmp_path_factory.mktemp("keys") / "home"
    with running_stack(home, ALL, allow_loopback_providers=True) as stack:
        asyncio.run(store(stack, providers))
        client = client_of(stack)
        first = providers.servers["first"]
        for reply in FAILURES.values():
            first.script(PATH, reply)
            report = wait(client, submit(client, source, "first", "second"))
            bodies.append(report.model_dump_json())
            asyncio.run(revive(stack))
            providers.loop.call_soon_threadsafe(first._scripts.clear)  # pyright: ignore[reportPrivateUsage]
        killed_in_a_call(stack, client, source, providers)
        bodies.append(client.review(submit(client, source, "first")).model_dump_json())
        sent = {
            each.headers.get("authorization", "") for server in providers.servers.values() for each in server.requests
        }
        yield Used(up(stack_settings(home, allow_loopback_providers=True)), bodies, len(first.requests), sent)
    providers.stop()


def killed_in_a_call(stack: Stack, client: Client, source: Path, providers: Providers) -> None:
    """The worker dies while the key is on its way."""
    first = providers.servers["first"]
    seen = len(first.requests)
    first.script(PATH, Reply(hang=True))
    review_id = submit(client, source, "first", "second")
    while len(first.requests) == seen:
        time.sleep(0.02)
    kill(stack, "worker")
    up(stack_settings(stack.home, allow_loopback_providers=True))
    wait(client, review_id)


@pytest.mark.timeout(240)
def test_every_failure_met_the_key(used: Used) -> None:
    assert used.asked > len(FAILURES)
    assert {f"Bearer {key}" for key in KEYS.values()} <= used.sent


def test_keys_are_nowhere_on_disk(used: Used) -> None:
    """Logs, Temporal's database, Redis, OpenBao, and Postgres with its write-ahead log."""
    assert leaks(used.stack.home, KEYS.values(), allowed=["cache"]) == []


def test_what_was_asked_is_in_postgres_alone(used: Used) -> None:
    assert leaks(used.stack.home, [CODE], allowed=["data/postgres", "cache"]) == []


def test_the_search_would_have_found_a_key(used: Used) -> None:
    folder = used.stack.home / "logs"
    for form, content in planted(KEYS["first"]).items():
        plant = folder / f"planted-{form}.log"
        plant.write_bytes(content)
        found = leaks(folder, [KEYS["first"]])
        plant.unlink()
        assert [each for each in found if each.startswith(plant.name)], form


def test_the_api_tells_no_key(used: Used) -> None:
    assert not found_in("\n".join(used.bodies).encode(), KEYS.values())


def test_processes_show_no_key(used: Used) -> None:
    for part, pid in used.stack.pids.items():
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            shown = "\0".join([*each.cmdline(), *map(str, each.environ().items())])
            assert not found_in(shown.encode(), KEYS.values()), part

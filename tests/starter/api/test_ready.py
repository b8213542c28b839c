"""`GET /readyz` names the part that is down, while real parts are killed, sealed, stopped and started again."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import psutil
import pytest
from temporalio import activity
from temporalio.client import Client

from models.ids import Queue
from models.settings import Settings
from models.worker_health import POLL_MEMORY
from starter.api.app import create_app
from starter.stack import wire
from starter.stack.launcher import SERVERS, Stack, up
from starter.task_workers import task_worker
from tests.stack_fixture import new_folder, running_stack, stack_settings
from tests.starter.stack.conftest import kill
from tests.starter.versioned_workflows import Child

PREFIX = f"ready-{uuid.uuid4().hex[:8]}"
PARTS = {"database", "temporal", "redis", "keys", *(f"workers.{queue}" for queue in Queue)}


@pytest.fixture(scope="module")
def own() -> Generator[Stack]:
    with new_folder() as folder, running_stack(folder / "home") as found:
        yield found


def repaired(stack: Stack) -> None:
    up(stack_settings(stack.home), parts=SERVERS, scatter_ports=True)


@activity.defn(name="nothing")
async def nothing() -> None:
    """Something to be registered for."""


@asynccontextmanager
async def working(stack: Stack, queues: Sequence[Queue]) -> AsyncGenerator[None, None]:
    """Workers of these queues."""
    client = await Client.connect(stack.environment()["TEMPORAL_ADDRESS"], identity=uuid.uuid4().hex)
    settings = Settings.model_validate({"task_queue": PREFIX})
    async with AsyncExitStack() as running:
        for queue in queues:
            served = [Child] if queue is Queue.ORCHESTRATION else []
            await running.enter_async_context(task_worker(client, settings, queue, [nothing], served))
        yield


@asynccontextmanager
async def asked(stack: Stack, **also: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of an API over the stack."""
    token = {"CONCLAVE_API_TOKEN": "test-token-0123456789", "CONCLAVE_TASK_QUEUE": PREFIX, "CONCLAVE_MIGRATE": "true"}
    # No longer than needed: with these variables the launcher would take its own parts for somebody else's.
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in {**stack.environment(), **token, **also}.items():
            monkeypatch.setenv(name, value)
        app = create_app(Settings())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", timeout=30) as client,
    ):
        yield client


async def looked(api: httpx.AsyncClient) -> tuple[int, dict[str, str]]:
    """Status, and the code of every part that is down."""
    began = time.monotonic()
    answer = await api.get("/readyz")
    # It gives each part a second and a half; the rest is for a machine that other tests keep busy.
    assert time.monotonic() - began < 8.0
    parts = answer.json()["parts"]
    assert answer.json()["ready"] is (answer.status_code == 200)
    assert all((part["status"] == "ok") is (part["code"] is None) for part in parts.values())
    return answer.status_code, {name: part["code"] for name, part in parts.items() if part["status"] == "down"}


async def until(api: httpx.AsyncClient, wanted: tuple[int, set[str]], patience: float = 30.0) -> dict[str, str]:
    """What is down, once status and parts are as wanted."""
    end = time.monotonic() + patience
    while True:
        status, down = await looked(api)
        if (status, set(down)) == wanted:
            return down
        assert time.monotonic() < end, (status, down)
        await asyncio.sleep(0.2)


@pytest.mark.timeout(300)
async def test_each_part_that_is_down_is_named(own: Stack) -> None:
    workers = {f"workers.{queue}" for queue in Queue}
    async with asked(own) as api:
        assert await until(api, (200, workers)) == dict.fromkeys(workers, "no_worker")
        async with working(own, list(Queue)):
            await until(api, (200, set()))
            pids = own.pids
            # What is accepted waits for these; so the API goes on.
            kill(pids["redis"])
            assert await until(api, (200, {"redis"})) == {"redis": "unreachable"}
            repaired(own)
            await until(api, (200, set()))
            seal(own)
            assert await until(api, (200, {"keys"})) == {"keys": "sealed"}
            repaired(own)
            await until(api, (200, set()))
            # Without these nothing can be accepted.
            kill(pids["postgres"])
            assert await until(api, (503, {"database"})) == {"database": "unreachable"}
            repaired(own)
            await until(api, (200, set()))
            temporal = psutil.Process(pids["temporal"])
            temporal.suspend()
            try:
                down = await until(api, (503, {"temporal", *workers}))
                assert down["temporal"] in {"too_slow", "unreachable"}
                assert (await api.get("/healthz")).json() == {"status": "ok"}
            finally:
                temporal.resume()
            await until(api, (200, set()))


@pytest.mark.campaign
@pytest.mark.timeout(300)
async def test_a_queue_whose_workers_have_gone_is_named(own: Stack) -> None:
    async with asked(own) as api, working(own, [Queue.ORCHESTRATION, Queue.MODELS]):
        async with working(own, [Queue.ANALYSIS]):
            await until(api, (200, set()))
        patience = POLL_MEMORY.total_seconds() + 20
        assert await until(api, (200, {"workers.analysis"}), patience) == {"workers.analysis": "no_worker"}


async def test_a_policy_server_that_is_named_is_needed(own: Stack) -> None:
    async with asked(own, CONCLAVE_OPA_URL="http://127.0.0.1:9") as api:
        status, down = await looked(api)
        assert (status, down["opa"]) == (503, "unreachable")


def seal(stack: Stack) -> None:
    """What an operator does in an emergency, and what every restart of OpenBao comes to."""
    root = json.loads((stack.home / "secrets" / "openbao-init.json").read_text())["root_token"]
    address = stack.environment()["CONCLAVE_VAULT_ADDRESS"].removeprefix("http://")
    assert wire.call(address, "/v1/sys/seal", method="PUT", headers={"X-Vault-Token": root}).status == 204

"""Workers as versions of a deployment, on the real server and switched with the real command line."""

import asyncio
import subprocess
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.common import VersioningBehavior

from models.ids import Queue, queue_name
from models.settings import Settings
from starter.stack import binaries
from starter.stack.launcher import Stack
from starter.task_queues import pollers
from starter.task_workers import BUILD, deployment, steps_at_once, task_worker
from tests.starter.versioned_workflows import Child, Moves, Stays
from worker import WORKFLOWS, asked_queues

Handle = WorkflowHandle[Any, list[str]]


def settings_for(prefix: str, **also: object) -> Settings:
    return Settings.model_validate({"task_queue": prefix, **also})


def step_of(build: str) -> Callable[[], Awaitable[str]]:
    @activity.defn(name="which_build")
    async def which_build() -> str:
        return build

    return which_build


@asynccontextmanager
async def workers_of(address: str, settings: Settings) -> AsyncGenerator[None, None]:
    """Workers of all queues, as one process has them."""
    build = settings.build_id or "none"
    client = await Client.connect(address, identity=f"worker-{build}")
    async with AsyncExitStack() as running:
        for queue in Queue:
            served = [Stays, Moves, Child] if queue is Queue.ORCHESTRATION else []
            await running.enter_async_context(task_worker(client, settings, queue, [step_of(build)], served))
        yield


async def make_current(address: str, name: str, build: str) -> None:
    """The command of docs/operations.md; Temporal refuses it until the version serves every queue of the one before."""
    argv = [str(binaries.temporal()), "worker", "deployment", "set-current-version", "--address", address]
    command = [*argv, "--deployment-name", name, "--build-id", build, "--yes"]
    for _ in range(30):
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        await asyncio.sleep(0.3)
    raise AssertionError(done.stderr)  # pyright: ignore[reportPossiblyUnboundVariable]


async def start(client: Client, kind: type[Stays | Moves], prefix: str, child: str | None = None) -> Handle:
    queue = queue_name(prefix, Queue.ORCHESTRATION)
    asked = [queue_name(prefix, Queue.ANALYSIS), child]
    return await client.start_workflow(kind.run, args=asked, id=uuid.uuid4().hex, task_queue=queue)


async def seen_by(handle: Handle) -> list[str]:
    await handle.signal("go")
    return await asyncio.wait_for(handle.result(), 30)


async def test_what_is_pinned_stays_and_what_upgrades_moves_and_what_starts_takes_the_new(stack: Stack) -> None:
    address, prefix = stack.environment()["TEMPORAL_ADDRESS"], f"deployed-{uuid.uuid4().hex[:8]}"
    client = await Client.connect(address)
    one = settings_for(prefix, worker_deployment=prefix, build_id="1.0")
    two = settings_for(prefix, worker_deployment=prefix, build_id="2.0")
    async with workers_of(address, one):
        await make_current(address, prefix, "1.0")
        stays, moves = await start(client, Stays, prefix, "child"), await start(client, Moves, prefix, "child")
        async with workers_of(address, two):
            await make_current(address, prefix, "2.0")
            # Its own steps are the old version's; a child that does not say so itself is begun with the new one.
            assert await seen_by(stays) == ["1.0", "2.0"]
            assert await seen_by(moves) == ["2.0", "2.0"]
            assert await seen_by(await start(client, Stays, prefix)) == ["2.0"]
            assert {"worker-1.0", "worker-2.0"} <= await pollers(client, prefix, Queue.ORCHESTRATION)


async def test_without_a_deployment_any_worker_takes_any_task(stack: Stack) -> None:
    """The local stack's way: no version has to be made the current one, whatever the workflows say of themselves."""
    address, prefix = stack.environment()["TEMPORAL_ADDRESS"], f"plain-{uuid.uuid4().hex[:8]}"
    client = await Client.connect(address)
    stays = await start(client, Stays, prefix, "child")
    async with workers_of(address, settings_for(prefix)):
        assert await seen_by(stays) == ["none", "none"]


def test_experiments_and_comparisons_are_pinned_and_nothing_is_left_to_a_default() -> None:
    definitions: list[Any] = [getattr(each, "__temporal_workflow_definition") for each in WORKFLOWS]
    behaviour = {each.name: each.versioning_behavior for each in definitions}
    assert {name for name, one in behaviour.items() if one is VersioningBehavior.PINNED} == {"experiment", "comparison"}
    assert set(behaviour.values()) == {VersioningBehavior.PINNED, VersioningBehavior.AUTO_UPGRADE}


def test_slots_pollers_and_version_are_the_settings() -> None:
    settings = settings_for("any", analyses_at_once=3, short_steps_at_once=5, model_calls_at_once=7)
    assert [steps_at_once(settings, queue) for queue in Queue] == [5, 3, 7]
    plain, versioned = deployment(settings), deployment(settings_for("any", worker_deployment="conclave"))
    assert (plain.use_worker_versioning, plain.version.build_id) == (False, BUILD)
    assert (versioned.use_worker_versioning, versioned.version.deployment_name) == (True, "conclave")


@pytest.mark.parametrize(
    ("arguments", "queues"),
    [
        ([], list(Queue)),
        (["--queue", "models"], [Queue.MODELS]),
        (["--queue", "models", "--queue=analysis", "--queue", "models"], [Queue.MODELS, Queue.ANALYSIS]),
    ],
)
def test_a_process_serves_the_queues_that_it_is_told(arguments: list[str], queues: list[Queue]) -> None:
    assert list(asked_queues(arguments)) == queues


@pytest.mark.parametrize("arguments", [["--queue", "reviews"], ["--queue"], ["models"]])
def test_a_queue_that_is_none_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        asked_queues(arguments)
    assert ended.value.code == 2
    assert "conclave worker" in capsys.readouterr().err

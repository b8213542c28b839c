"""Rotations of wrapping keys on the real servers: complete, repeatable, killed at any step, and no key unreadable."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from activities.key_ports import KeyServiceRefused, Refusal, Wrapped, WrappedRow
from activities.key_rotation import KeyRing
from activities.ports import KeyServiceUnavailable, StoreUnavailable
from models.key_rotation import Ring, RotationOrder, RotationReport
from starter.stack.launcher import Stack
from tests.activities import conftest as adapters
from tests.workflows.rotation_rig import OWNER, Rig, described, rigged, rotation_worker, with_provider_ring
from workflows import key_rotation

database, engine, empty_engine = adapters.database, adapters.engine, adapters.empty_engine
"""Fixtures."""

ROOT = Path(__file__).parents[2]
KEYS = 12
PLAN = (("rotated", 1), ("rewrapped", 2), ("stored", 25))
"""After the new version is made and before anybody knows; between wrapping and storing; between two stored keys."""


@pytest.fixture
async def rig(stack: Stack, database) -> Rig:  # type: ignore[no-untyped-def]
    return await rigged(stack, database, KEYS)


async def started(client: Client, queue: str, **order: Any) -> WorkflowHandle[Any, RotationReport]:
    return await client.start_workflow(
        "key-rotation",
        RotationOrder(**{"rotate": True, "page_size": 5} | order),
        id=f"key-rotation-{uuid.uuid4().hex}",
        task_queue=queue,
        result_type=RotationReport,
        # A task that went to a worker at its death is given to another after this time.
        task_timeout=timedelta(seconds=2),
    )


async def run(client: Client, queue: str, using: dict[Ring, KeyRing], **order: Any) -> RotationReport:
    async with rotation_worker(client, queue, using):
        return await (await started(client, queue, **order)).result()


async def test_every_key_of_both_rings_is_wrapped_by_the_new_version(client: Client, queue: str, rig: Rig) -> None:
    async with rotation_worker(client, queue, rig.rings()):
        report = await (await started(client, queue)).result()
        again = await (await started(client, queue, rotate=False)).result()
    assert [(ring.ring, ring.mark, ring.rotated, ring.rewrapped, ring.behind) for ring in report.rings] == [
        (Ring.PROVIDER_KEYS, "vault:v2:", True, KEYS, 0),
        (Ring.PAYLOAD_KEYS, "vault:v2:", True, 1, 0),
    ]
    assert report.complete and await rig.versions() == {"v2": KEYS + 1}
    await rig.assert_all_open()
    assert again.complete and [ring.rewrapped for ring in again.rings] == [0, 0]
    assert await rig.versions() == {"v2": KEYS + 1}


async def test_without_an_operators_token_nothing_is_rotated_but_old_wraps_are_renewed(
    client: Client, queue: str, rig: Rig
) -> None:
    rig.provider_key.operator().rotate()
    report = await run(client, queue, with_provider_ring(rig.rings(), operator=None), rings=(Ring.PROVIDER_KEYS,))
    (ring,) = report.rings
    assert (ring.rotated, ring.mark, ring.rewrapped, ring.retired) == (False, "vault:v2:", KEYS, False)
    await rig.assert_all_open()


async def test_a_changed_row_is_told_of_and_holds_up_no_other(client: Client, queue: str, rig: Rig) -> None:
    first, *_ = rig.secrets
    async with rig.database.statements() as session:
        await session.execute(text("UPDATE user_providers SET user_id = 'eve' WHERE id = :id"), {"id": first})
    report = await run(client, queue, rig.rings(), retire=True, rings=(Ring.PROVIDER_KEYS,))
    (ring,) = report.rings
    assert (ring.rewrapped, ring.refused, ring.behind, ring.retired) == (KEYS - 1, 1, 1, False)
    assert not report.complete
    async with rig.database.statements() as session:
        await session.execute(
            text("UPDATE user_providers SET user_id = :owner WHERE id = :id"), {"id": first, "owner": OWNER}
        )
    await rig.assert_all_open()


async def test_old_versions_are_retired_when_nothing_needs_them(
    client: Client, queue: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "SETTLING", key_rotation.SETTLING / 1_000)
    old = rig.provider_key.service().generate("conclave/test")
    report = await run(client, queue, rig.rings(), retire=True)
    assert [ring.retired for ring in report.rings] == [True, True]
    await rig.assert_all_open()
    with pytest.raises(KeyServiceRefused, match="too_old"):
        rig.provider_key.service().unwrap(old.wrapped, "conclave/test")


class Around:
    """The real rows and service with something in between."""

    def __init__(self, rig: Rig) -> None:
        ring = rig.rings()[Ring.PROVIDER_KEYS]
        self.rig, self._service, self._rows = rig, ring.service, ring.rows
        self.name, self.generate, self.unwrap = ring.service.name, ring.service.generate, ring.service.unwrap
        self.counted = 0

    def newest(self) -> str:
        return self._service.newest()

    def rewrap(self, keys: Sequence[Wrapped]) -> list[str | KeyServiceRefused]:
        return self._service.rewrap(keys)

    async def page(self, mark: str, after: str, size: int) -> list[WrappedRow]:
        return await self._rows.page(mark, after, size)

    async def replace(self, row: WrappedRow, wrapped: str) -> bool:
        return await self._rows.replace(row, wrapped)

    async def behind(self, mark: str) -> int:
        return await self._rows.behind(mark)

    @property
    def rings(self) -> dict[Ring, KeyRing]:
        return with_provider_ring(self.rig.rings(), service=self, rows=self)


async def test_a_key_stored_behind_the_pass_is_found_by_the_next(client: Client, queue: str, rig: Rig) -> None:
    class Latecomer(Around):
        async def behind(self, mark: str) -> int:
            self.counted += 1
            if self.counted == 1:
                async with self.rig.database.statements() as session:
                    await session.execute(text("UPDATE user_providers SET encrypted_dek = :old WHERE id = :id"), late)
            return await super().behind(mark)

    (oldest, *_) = await rig.rings()[Ring.PROVIDER_KEYS].rows.page("", "", 1)
    late = {"id": oldest.id, "old": oldest.key.wrapped}
    report = await run(client, queue, Latecomer(rig).rings, rings=(Ring.PROVIDER_KEYS,))
    assert report.complete and report.rings[0].rewrapped == KEYS + 1
    await rig.assert_all_open()


async def test_a_key_that_its_owner_replaces_meanwhile_stays_replaced(client: Client, queue: str, rig: Rig) -> None:
    class Busy(Around):
        async def page(self, mark: str, after: str, size: int) -> list[WrappedRow]:
            rows = await super().page(mark, after, size)
            if not after:
                new = b"sk-entered-meanwhile"
                await rig.keys.rotate(rows[0].id, OWNER, rig.provider, bytearray(new))
                rig.secrets[rows[0].id] = new
            return rows

    report = await run(client, queue, Busy(rig).rings, rings=(Ring.PROVIDER_KEYS,))
    assert report.complete and report.rings[0].rewrapped == KEYS - 1
    await rig.assert_all_open()


async def test_parts_that_are_down_for_a_while_are_waited_for(client: Client, queue: str, rig: Rig) -> None:
    class Flaky(Around):
        failed: list[str] = []

        def fail(self, what: str, error: Exception) -> None:
            if what not in self.failed:
                self.failed.append(what)
                raise error

        def rewrap(self, keys: Sequence[Wrapped]) -> list[str | KeyServiceRefused]:
            self.fail("rewrap", KeyServiceUnavailable())
            return super().rewrap(keys)

        async def replace(self, row: WrappedRow, wrapped: str) -> bool:
            stored = await super().replace(row, wrapped)
            self.fail("replace", StoreUnavailable())
            return stored

    flaky = Flaky(rig)
    report = await run(client, queue, flaky.rings, rings=(Ring.PROVIDER_KEYS,))
    assert report.complete and flaky.failed == ["rewrap", "replace"]
    assert await rig.versions() == {"v2": KEYS, "v1": 1}
    await rig.assert_all_open()


async def test_a_key_service_that_refuses_ends_the_run_and_harms_no_key(client: Client, queue: str, rig: Rig) -> None:
    class Denied(Around):
        def rewrap(self, keys: Sequence[Wrapped]) -> list[str | KeyServiceRefused]:
            raise KeyServiceRefused(Refusal.DENIED)

    with pytest.raises(WorkflowFailureError) as caught:
        await run(client, queue, Denied(rig).rings)
    assert "kek_refused" in str(caught.value.cause.__cause__)
    await rig.assert_all_open()
    assert (await run(client, queue, rig.rings())).complete


async def test_a_service_whose_wraps_tell_no_version_renews_all_of_them_once(
    client: Client, queue: str, rig: Rig
) -> None:
    class Untold(Around):
        def newest(self) -> str:
            return ""

    report = await run(client, queue, Untold(rig).rings, rings=(Ring.PROVIDER_KEYS,))
    (ring,) = report.rings
    assert (ring.mark, ring.rotated, ring.rewrapped, ring.behind) == ("", False, KEYS, 0)
    await rig.assert_all_open()


async def test_a_long_run_goes_on_in_a_new_history(
    client: Client, queue: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "PAGES_PER_RUN", 2)
    async with rotation_worker(client, queue, rig.rings()):
        handle = await started(client, queue, page_size=3)
        report = await handle.result()
    assert (await client.get_workflow_handle(handle.id).describe()).run_id != handle.first_execution_run_id
    assert [(ring.mark, ring.rewrapped) for ring in report.rings] == [("vault:v2:", KEYS), ("vault:v2:", 1)]
    await rig.assert_all_open()


@pytest.mark.campaign
async def test_killed_at_any_step_it_ends_with_every_key_readable(
    client: Client,
    queue: str,
    stack: Stack,
    database,
    engine: AsyncEngine,  # type: ignore[no-untyped-def]
) -> None:
    rig = await rigged(stack, database, 60)
    await survive(client, queue, stack, rig, PLAN)


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(5))
async def test_killed_at_many_steps(client: Client, queue: str, stack: Stack, database, seed: int) -> None:  # type: ignore[no-untyped-def]
    print("seed", seed)
    chance = random.Random(seed)
    kinds = ("asked", "rotating", "rotated", "rewrapping", "rewrapped", "stored")
    plan = [(chance.choice(kinds), chance.choice((1, 1, 2, 7))) for _ in range(12)]
    await survive(client, queue, stack, await rigged(stack, database, 60), plan)


async def survive(client: Client, queue: str, stack: Stack, rig: Rig, plan: Sequence[tuple[str, int]]) -> None:
    """Run rotations on workers that each kill themselves at a moment of the plan, the last on one that lives."""
    async with rig.database.statements() as session:
        schema = str((await session.execute(text("SELECT current_schema()"))).scalar_one())
    rotations = Rotations(client, queue, rig)
    with workers() as process:
        running = asyncio.create_task(rotations.one())
        for kind, count in plan:
            told = described(rig, schema, stack, queue, kind, count)
            gone = asyncio.create_task(asyncio.to_thread(one_worker, process, told))
            while not gone.done():
                await asyncio.wait([gone, running], return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    await running
                    running = asyncio.create_task(rotations.one())
            assert gone.result() == -signal.SIGKILL
            await rig.assert_all_open()
    async with rotation_worker(client, queue, rig.rings()):
        await running


class Rotations:
    """One after the other; each makes exactly one version, however often its steps were repeated."""

    def __init__(self, client: Client, queue: str, rig: Rig) -> None:
        self._client, self._queue, self._rig = client, queue, rig
        self._version = 1

    async def one(self) -> None:
        self._version += 1
        report = await (await started(self._client, self._queue, page_size=10)).result()
        version = f"v{self._version}"
        assert report.complete and [ring.mark for ring in report.rings] == [f"vault:{version}:"] * 2
        assert await self._rig.versions() == {version: len(self._rig.secrets) + 1}
        await self._rig.assert_all_open()


@contextmanager
def workers() -> Generator["subprocess.Popen[str]"]:
    """A process that makes workers of lines, and is gone afterwards with all of them."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.workflows.rotation_rig"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def one_worker(process: "subprocess.Popen[str]", told: str) -> int | None:
    """Run one worker; returns its exit status, or None when it was stopped from outside."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(told + "\n")
    process.stdin.flush()
    status = process.stdout.readline()
    return int(status) if status else None

"""What tests of key rotation stand on: stored keys in the real database, under transit keys of their own.

Run as a program it turns each line of its input into a worker that kills itself at a moment that the line tells, and
says how that one ended. Workers are forked, so that only the first waits for all the imports.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from activities import review
from activities.key_ports import KeyOperator, KeyService, KeyServiceRefused, Wrapped, WrappedRow, WrappedRows
from activities.key_rotation import KeyRing, KeyRotationActivities
from activities.keys.sealer import EnvelopeSealer
from activities.payload_keys import CONTEXT
from activities.storage.database import Database
from activities.storage.key_wraps import PayloadKeyWraps, ProviderKeyWraps
from activities.storage.payload_keys import PostgresPayloadKeys
from activities.storage.user_keys import PostgresKeys
from models.key_rotation import Ring
from models.provider import Provider
from starter.stack.launcher import Stack
from tests.activities.catalogued import a_provider, catalogued
from tests.activities.keys.vault import VaultKey, vault_key
from worker import workflow_runner
from workflows import options
from workflows.key_rotation import KeyRotationWorkflow

OWNER = "ada"


@dataclass(frozen=True)
class Rig:
    """Stored keys, and how to look at them."""

    database: Database
    provider_key: VaultKey
    payload_key: VaultKey
    provider: Provider
    secrets: dict[str, bytes]
    """The keys in clear, by id."""
    payload_secret: bytes

    @property
    def keys(self) -> PostgresKeys:
        return PostgresKeys(self.database, EnvelopeSealer(self.provider_key.service()))

    def rings(self) -> dict[Ring, KeyRing]:
        return rings(self.database, self.provider_key, self.payload_key)

    async def assert_all_open(self) -> None:
        for key_id, secret in self.secrets.items():
            async with self.keys.opened(key_id, self.provider) as clear:
                assert clear == secret
        for row in await PostgresPayloadKeys(self.database).all():
            assert self.payload_key.service().unwrap(row.wrapped, CONTEXT.decode()) == self.payload_secret

    async def versions(self) -> dict[str, int]:
        """How many keys of both rings are wrapped by each version."""
        query = (
            "SELECT split_part(wrapped, ':', 2), count(*) FROM "
            "(SELECT encrypted_dek AS wrapped FROM user_providers UNION ALL SELECT wrapped FROM payload_keys) AS every "
            "GROUP BY 1"
        )
        async with self.database.statements() as session:
            return {str(version): int(count) for version, count in (await session.execute(text(query))).all()}


async def rigged(stack: Stack, database: Database, count: int) -> Rig:
    """Store keys."""
    provider_key, payload_key = vault_key(stack), vault_key(stack)
    provider = await catalogued(database, a_provider(needs_key=True))
    keys = PostgresKeys(database, EnvelopeSealer(provider_key.service()))
    secrets = [b"sk-secret-of-the-user-%04d" % number for number in range(count)]
    stored = [await keys.add(OWNER, provider, bytearray(secret)) for secret in secrets]
    made = payload_key.service().generate(CONTEXT.decode())
    await PostgresPayloadKeys(database).add_first(made.wrapped)
    by_id = {key.id: secret for key, secret in zip(stored, secrets, strict=True)}
    return Rig(database, provider_key, payload_key, provider, by_id, bytes(made.clear))


def rings(database: Database, provider_key: VaultKey, payload_key: VaultKey) -> dict[Ring, KeyRing]:
    service = provider_key.service()
    return {
        Ring.PROVIDER_KEYS: KeyRing(service, ProviderKeyWraps(database, service.name), provider_key.operator()),
        Ring.PAYLOAD_KEYS: KeyRing(payload_key.service(), PayloadKeyWraps(database), payload_key.operator()),
    }


def with_provider_ring(whole: dict[Ring, KeyRing], **changes: Any) -> dict[Ring, KeyRing]:
    return whole | {Ring.PROVIDER_KEYS: replace(whole[Ring.PROVIDER_KEYS], **changes)}


def rotation_worker(client: Client, queue: str, using: dict[Ring, KeyRing], **options: Any) -> Worker:
    acts = KeyRotationActivities(using)
    return Worker(
        client,
        task_queue=queue,
        workflows=[KeyRotationWorkflow],
        activities=[
            acts.read_key_version,
            acts.rotate_wrapping_key,
            acts.rewrap_page,
            acts.count_keys_behind,
            acts.retire_key_versions,
        ],
        workflow_runner=workflow_runner(),
        # Else the SDK makes one of all loaded code, which takes each process seconds.
        build_id="test",
        **options,
    )


class Fuse:
    """Ends this process by SIGKILL when the n-th moment of a kind has come."""

    def __init__(self, kind: str, left: int) -> None:
        self._kind, self._left = kind, left

    def moment(self, kind: str) -> None:
        self._left -= kind == self._kind
        if self._left == 0 and kind == self._kind:
            os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """A service, an operator and rows around which the process dies."""

    def __init__(self, ring: KeyRing, fuse: Fuse) -> None:
        self._service: KeyService = ring.service
        self._rows: WrappedRows = ring.rows
        self._operator: KeyOperator | None = ring.operator
        self._fuse = fuse
        self.name = ring.service.name
        self.generate, self.unwrap = ring.service.generate, ring.service.unwrap
        self.page, self.behind = ring.rows.page, ring.rows.behind

    def newest(self) -> str:
        self._fuse.moment("asked")
        return self._service.newest()

    def rotate(self) -> None:
        self._fuse.moment("rotating")
        assert self._operator is not None
        self._operator.rotate()
        self._fuse.moment("rotated")

    def retire(self, mark: str) -> None:
        raise NotImplementedError

    def rewrap(self, keys: Sequence[Wrapped]) -> list[str | KeyServiceRefused]:
        self._fuse.moment("rewrapping")
        answers = self._service.rewrap(keys)
        self._fuse.moment("rewrapped")
        return answers

    async def replace(self, row: WrappedRow, wrapped: str) -> bool:
        stored = await self._rows.replace(row, wrapped)
        self._fuse.moment("stored")
        return stored


def described(rig: Rig, schema: str, stack: Stack, queue: str, kind: str, count: int) -> str:
    """What a worker process needs to know."""
    environment = stack.environment()
    return json.dumps(
        {
            "temporal": environment["TEMPORAL_ADDRESS"],
            "database": environment["CONCLAVE_DATABASE_URL"],
            "schema": schema,
            "provider_key": asdict(rig.provider_key),
            "payload_key": asdict(rig.payload_key),
            "queue": queue,
            "kind": kind,
            "count": count,
        }
    )


async def work(told: dict[str, Any]) -> None:
    # So that the test does not wait long for what a killed worker left behind.
    options.REWRAP["heartbeat_timeout"] = timedelta(seconds=2)
    review.HEARTBEAT_SECONDS = 0.2
    url = make_url(told["database"]).set(drivername="postgresql+asyncpg")
    database = Database(create_async_engine(url, connect_args={"server_settings": {"search_path": told["schema"]}}))
    fuse = Fuse(told["kind"], told["count"])
    deadly = {
        ring: KeyRing(*(Deadly(each, fuse),) * 3)
        for ring, each in rings(database, VaultKey(**told["provider_key"]), VaultKey(**told["payload_key"])).items()
    }
    client = await Client.connect(told["temporal"], data_converter=pydantic_data_converter)
    often = timedelta(seconds=0.2)
    worker = rotation_worker(
        client, told["queue"], deadly, max_cached_workflows=0, max_heartbeat_throttle_interval=often
    )
    await worker.run()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(work(json.loads(line)))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()

"""Every way around the audit chain: the application has none, and the owner's and a superuser's leave traces.

What the layers stop and what they do not is stated in docs/audit.md.
"""

import itertools
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from activities.keys.checkpoints import SignedCheckpoints
from activities.storage import schema
from activities.storage.audit import PostgresAudit
from activities.storage.database import Database, engine_for
from models.audit import AuditAction, AuditEntry, AuditEvent, AuditProblem, AuditVerdict, entry_hash
from starter import audit
from starter.stack.launcher import Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENTRIES = 9


@dataclass
class Rig:
    """A chain of nine entries in a database of its own, its checkpoints at entries 4 and 7, and three roles."""

    chain: PostgresAudit
    checkpoints: SignedCheckpoints
    file: Path
    app: Any
    owner: Any
    superuser: Any

    async def verdict(self) -> AuditVerdict:
        return await audit.verify(self.chain, self.checkpoints)

    async def found(self) -> tuple[int | None, AuditProblem | None]:
        """First bad entry and what is wrong with it."""
        verdict = await self.verdict()
        assert verdict.intact is (verdict.problem is None)
        return verdict.first_bad_seq, verdict.problem

    async def append(self, count: int = 1) -> list[AuditEntry]:
        event = AuditEvent(action=AuditAction.CONFIG_QUARANTINED, actor="anna", subject="c", data={"share": 0.5})
        return [await self.chain.append(event) for _ in range(count)]


def _at(url: str, database: str) -> str:
    return url.replace("@/conclave?", f"@/{database}?")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Rig, None]:
    told, name = stack.environment(), f"audit_{uuid.uuid4().hex}"
    app, owner = _at(told["CONCLAVE_DATABASE_URL"], name), _at(told["CONCLAVE_DATABASE_OWNER_URL"], name)
    root = owner.replace("//conclave@", "//postgres@")
    maintenance: Any = await asyncpg.connect(root.replace(f"/{name}?", "/postgres?"))
    await maintenance.execute(f"CREATE DATABASE {name} OWNER conclave")
    await schema.migrate(app, owner)
    database = Database(engine_for(app))
    connections: list[Any] = [await asyncpg.connect(url) for url in (app, owner, root)]
    place = told["CONCLAVE_VAULT_ADDRESS"], told["CONCLAVE_VAULT_TOKEN"], "transit", "conclave-audit"
    file = tmp_path_factory.mktemp("audit") / "checkpoints.jsonl"
    found = Rig(PostgresAudit(database), SignedCheckpoints(*place, file), file, *connections)
    for entry in await found.append(ENTRIES):
        if entry.seq in (4, 7):
            await found.checkpoints.write(entry.seq, entry.hash, datetime.now(UTC))
    await found.owner.execute("CREATE TABLE saved AS SELECT * FROM audit_log")
    yield found
    for connection in connections:
        await connection.close()
    await database.close()
    await maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await maintenance.close()


@pytest_asyncio.fixture(loop_scope="module")
async def rig(whole: Rig) -> AsyncGenerator[Rig, None]:
    """The rig, put back afterwards to what it was."""
    lines = whole.file.read_bytes()
    assert (await whole.verdict()).intact
    yield whole
    whole.file.write_bytes(lines)
    for connection in (whole.app, whole.superuser):
        await connection.execute("RESET ALL; DISCARD TEMP")
    if await whole.owner.fetchval("SELECT to_regclass('gone') IS NOT NULL"):
        await whole.owner.execute("DROP TABLE audit_log; ALTER TABLE gone RENAME TO audit_log")
    await unguarded(whole.owner, "DELETE FROM audit_log", "INSERT INTO audit_log SELECT * FROM saved")


DENIED_TO_THE_APPLICATION = (
    "INSERT INTO audit_log (seq, at, action, actor, subject, data, prev_hash, hash) "
    "SELECT 10, at, action, actor, subject, data, hash, hash FROM audit_log WHERE seq = 9",
    "INSERT INTO audit_log (seq) VALUES (1) ON CONFLICT (seq) DO UPDATE SET actor = 'bob'",
    "UPDATE audit_log SET actor = 'bob' WHERE seq = 3",
    "DELETE FROM audit_log WHERE seq = 9",
    "MERGE INTO audit_log a USING (SELECT 3 AS seq) b ON a.seq = b.seq WHEN MATCHED THEN DELETE",
    "TRUNCATE audit_log",
    "SELECT * FROM audit_log FOR UPDATE",
    "BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE audit_log DISABLE TRIGGER ALL",
    "ALTER TABLE audit_log OWNER TO conclave_app",
    "DROP TABLE audit_log",
    "DROP TRIGGER audit_keeps ON audit_log",
    "CREATE TRIGGER mine BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE RULE mine AS ON INSERT TO audit_log DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE FUNCTION audit_canonical(value json) RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
    "SET session_replication_role = replica",
    "SET ROLE conclave",
    "GRANT conclave TO conclave_app",
    "UPDATE alembic_version SET version_num = '0001'",
)


async def refused(connection: Any, statement: str) -> bool:
    """Whether a right is missing; any other error is one of this test."""
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        await connection.execute("ROLLBACK")
        return True
    return False


async def test_the_application_can_append_and_nothing_else(rig: Rig) -> None:
    for statement in DENIED_TO_THE_APPLICATION:
        assert await refused(rig.app, statement), statement
    # Of somebody without the right to grant, this is a warning only.
    await rig.app.execute("GRANT ALL ON audit_log TO conclave_app")
    assert await refused(rig.app, "UPDATE audit_log SET actor = 'bob'")
    verdict = await rig.verdict()
    assert (verdict.intact, verdict.total, verdict.checkpoint_seq) == (True, ENTRIES, 7)
    assert verdict.checkpoint_signature_ok


async def test_what_the_application_puts_in_the_functions_way_is_passed_by(rig: Rig) -> None:
    """A security definer that looked into the caller's schemas first would append to the caller's own table."""
    await rig.app.execute("CREATE TEMPORARY TABLE audit_log (LIKE public.audit_log)")
    await rig.app.execute("SET search_path = pg_temp, public")
    await rig.app.execute("SET extra_float_digits = -15")
    await rig.app.execute("SELECT public.audit_append('a', 'b', 'c', '{\"n\": 0.123456789012345678}', NULL)")
    assert await rig.app.fetchval("SELECT count(*) FROM pg_temp.audit_log") == 0
    verdict = await rig.verdict()
    assert (verdict.intact, verdict.total) == (True, ENTRIES + 1)


@pytest.mark.parametrize("role", ["owner", "superuser"])
async def test_nobody_changes_it_in_the_ordinary_way(rig: Rig, role: str) -> None:
    ordinary = (
        "UPDATE audit_log SET actor = 'bob'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "TRUNCATE audit_log CASCADE",
    )
    for statement in ordinary:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever appended to"):
            await getattr(rig, role).execute(statement)
    assert (await rig.verdict()).intact


async def test_replication_mode_does_not_switch_the_triggers_off(rig: Rig) -> None:
    await rig.superuser.execute("SET session_replication_role = replica")
    for statement in ("UPDATE audit_log SET actor = 'bob'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever appended to"):
            await rig.superuser.execute(statement)


async def test_an_entry_that_a_superuser_puts_in_beside_the_function_is_found(rig: Rig) -> None:
    await rig.superuser.execute("SET session_replication_role = replica")
    await rig.superuser.execute(
        "INSERT INTO audit_log (seq, at, action, actor, subject, data, prev_hash, hash) "
        "SELECT 10, now(), 'config_released', 'anna', 'c', '{}', hash, repeat('0', 64) FROM audit_log WHERE seq = 9"
    )
    assert await rig.found() == (10, AuditProblem.CHANGED)


async def unguarded(connection: Any, *statements: str) -> None:
    """What the owner can do: switch the triggers off, and on again as if nothing had been."""
    await connection.execute("BEGIN")
    for name in ("audit_links", "audit_keeps", "audit_stays"):
        await connection.execute(f"ALTER TABLE audit_log DISABLE TRIGGER {name}")
    for statement in statements:
        await connection.execute(statement)
    await connection.execute("ALTER TABLE audit_log ENABLE TRIGGER audit_links")
    for name in ("audit_keeps", "audit_stays"):
        await connection.execute(f"ALTER TABLE audit_log ENABLE ALWAYS TRIGGER {name}")
    await connection.execute("COMMIT")


@pytest.mark.parametrize(
    ("statements", "bad", "problem"),
    [
        (["UPDATE audit_log SET actor = 'bob' WHERE seq = 3"], 3, AuditProblem.CHANGED),
        (["UPDATE audit_log SET data = '{\"share\": 0.6}' WHERE seq = 9"], 9, AuditProblem.CHANGED),
        (["UPDATE audit_log SET at = at + interval '1 microsecond' WHERE seq = 5"], 5, AuditProblem.CHANGED),
        (["UPDATE audit_log SET hash = repeat('0', 64) WHERE seq = 2"], 2, AuditProblem.CHANGED),
        (["DELETE FROM audit_log WHERE seq = 6"], 6, AuditProblem.GAP),
        (["DELETE FROM audit_log WHERE seq = 1"], 1, AuditProblem.GAP),
        # Closing the gap does not help: the number is part of what is hashed.
        (
            ["DELETE FROM audit_log WHERE seq = 8", "UPDATE audit_log SET seq = 8 WHERE seq = 9"],
            8,
            AuditProblem.BROKEN_LINK,
        ),
        (["DELETE FROM audit_log WHERE seq > 6"], 7, AuditProblem.TRUNCATED),
        (["TRUNCATE audit_log"], 1, AuditProblem.TRUNCATED),
    ],
)
async def test_what_the_owner_does_without_triggers_is_found(
    rig: Rig, statements: list[str], bad: int, problem: AuditProblem
) -> None:
    await unguarded(rig.owner, *statements)
    assert await rig.found() == (bad, problem)


async def test_an_end_that_was_cut_off_is_found_also_after_the_chain_has_grown_again(rig: Rig) -> None:
    await unguarded(rig.owner, "DELETE FROM audit_log WHERE seq > 5")
    assert await rig.found() == (6, AuditProblem.TRUNCATED)
    await rig.append(5)
    assert await rig.found() == (7, AuditProblem.REWRITTEN)


async def rewritten(rig: Rig, first: int) -> None:
    """The chain from `first` on under somebody else's name, every hash and link as it must be."""
    statements: list[str] = []
    entries = [entry async for entry in rig.chain.entries()]
    prev = entries[first - 2].hash if first > 1 else "0" * 64
    for entry in entries[first - 1 :]:
        forged = entry.model_copy(update={"actor": "bob", "prev_hash": prev})
        prev = entry_hash(forged)
        fields = f"actor = 'bob', prev_hash = '{forged.prev_hash}', hash = '{prev}'"
        statements.append(f"UPDATE audit_log SET {fields} WHERE seq = {entry.seq}")
    await unguarded(rig.owner, *statements)


@pytest.mark.parametrize(("first", "bad"), [(1, 4), (4, 4), (5, 7), (7, 7)])
async def test_a_chain_that_was_written_anew_and_hashed_anew_is_found_at_the_next_checkpoint(
    rig: Rig, first: int, bad: int
) -> None:
    await rewritten(rig, first)
    assert await rig.found() == (bad, AuditProblem.REWRITTEN)


async def test_behind_the_last_checkpoint_nothing_vouches_and_the_verdict_says_so(rig: Rig) -> None:
    await rewritten(rig, 8)
    verdict = await rig.verdict()
    assert verdict.intact and verdict.checkpoint_seq == 7 < verdict.total


async def test_checkpoints_of_a_forger_do_not_verify(rig: Rig) -> None:
    await rewritten(rig, 1)
    forged = [
        each.model_copy(update={"hash": entry.hash})
        for each, entry in itertools.product(await rig.checkpoints.read(), [e async for e in rig.chain.entries()])
        if each.seq == entry.seq
    ]
    rig.file.write_text("".join(each.model_dump_json() + "\n" for each in forged))
    assert await rig.found() == (4, AuditProblem.BAD_SIGNATURE)
    assert (await rig.verdict()).checkpoint_signature_ok is False


async def test_a_table_that_was_dropped_is_no_intact_chain(rig: Rig) -> None:
    await rig.owner.execute("ALTER TABLE audit_log RENAME TO gone")
    await rig.owner.execute("CREATE TABLE audit_log (LIKE gone); GRANT SELECT ON audit_log TO conclave_app")
    assert await rig.found() == (1, AuditProblem.TRUNCATED)

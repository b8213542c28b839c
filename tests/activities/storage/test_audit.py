"""The audit chain in the real database."""

import asyncio
import importlib
import json
import math
from collections.abc import Callable, Generator
from typing import Any

import asyncpg
import pytest
import rfc8785
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.storage import audit as storage
from activities.storage.audit import PostgresAudit, append_in
from activities.storage.database import Database
from models.audit import MAX_NUMBER, AuditAction, AuditEvent
from models.audit_check import verify_chain
from starter.stack.launcher import Stack


def event(subject: str = "e1", **changes: Any) -> AuditEvent:
    return AuditEvent.model_validate(
        {"action": AuditAction.EXPERIMENT_STARTED, "actor": "anna", "subject": subject} | changes
    )


async def test_entries_form_a_chain_without_gaps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = PostgresAudit(database)
    assert await audit.head() is None
    data = {"share": 0.1, "tiny": 1e-9, "none": None, "text": 'ä"\\\n\x01', "list": [1, True, {"b": 1, "a": 2}]}
    made = [await audit.append(event(f"e{n}", data=data | {"n": n})) for n in range(5)]
    monkeypatch.setattr(storage, "PAGE", 2)
    found = [entry async for entry in audit.entries()]
    assert found == made and [entry.seq for entry in found] == [1, 2, 3, 4, 5]
    assert verify_chain(found).intact
    assert await audit.head() == made[-1]
    assert [entry.seq async for entry in audit.entries(4)] == [4, 5]


async def test_the_same_again_is_the_entry_that_is_there(database: Database) -> None:
    audit = PostgresAudit(database)
    first = await audit.append(event(dedup="step-1", data={"n": 1}))
    again = await asyncio.gather(*(audit.append(event(dedup="step-1", data={"n": 2})) for _ in range(5)))
    assert set(map(str, again)) == {str(first)}
    assert (await audit.append(event(dedup="step-2"))).seq == 2


async def test_an_entry_counts_with_its_transaction_or_not_at_all(database: Database) -> None:
    audit = PostgresAudit(database)
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            await append_in(session, event("lost"))
            raise RuntimeError
    async with database.transaction() as session:
        await append_in(session, event("kept"))
        await append_in(session, event("too"))
    found = [entry async for entry in audit.entries()]
    assert [(entry.seq, entry.subject) for entry in found] == [(1, "kept"), (2, "too")], "and leaves no gap"


async def test_eight_writers_break_no_link_and_leave_no_gap(database: Database) -> None:
    audit = PostgresAudit(database)

    async def write(writer: int) -> None:
        for number in range(10):
            if number % 3 == 0:
                async with database.transaction() as session:
                    await append_in(session, event(f"w{writer}", data={"n": number}))
                    if number == 9:
                        await session.rollback()
            else:
                await audit.append(event(f"w{writer}", data={"n": number}))

    await asyncio.gather(*map(write, range(8)))
    found = [entry async for entry in audit.entries()]
    assert len(found) == 8 * 9 and verify_chain(found).intact


async def test_pages_are_newest_first_and_filtered(database: Database) -> None:
    audit = PostgresAudit(database)
    for number in range(6):
        await audit.append(event(f"e{number % 2}", actor="bob" if number == 4 else "anna"))
    assert [entry.seq for entry in await audit.page(None, 2)] == [6, 5]
    assert [entry.seq for entry in await audit.page(5, 9)] == [4, 3, 2, 1]
    assert [entry.seq for entry in await audit.page(None, 9, subject="e0")] == [5, 3, 1]
    assert [entry.seq for entry in await audit.page(None, 9, subject="e0", actor="bob")] == [5]
    assert await audit.page(None, 9, action="config_quarantined") == []


async def test_whoever_inserts_chooses_neither_number_nor_link(database: Database, engine: AsyncEngine) -> None:
    await PostgresAudit(database).append(event())
    insert = text(
        "INSERT INTO audit_log (seq, at, action, actor, subject, data, prev_hash, hash) "
        "VALUES (77, '2001-01-01', 'a', 'owner', 's', '{}', repeat('1', 64), repeat('2', 64))"
    )
    async with engine.begin() as connection:
        await connection.execute(insert)
    found = [entry async for entry in PostgresAudit(database).entries()]
    assert [entry.seq for entry in found] == [1, 2] and found[1].at > found[0].at
    assert verify_chain(found).intact


async def test_the_database_refuses_what_has_no_canonical_form(database: Database) -> None:
    call = text("SELECT audit_append('a', 'b', 'c', cast(cast(:data AS text) AS jsonb), NULL)")
    for data in ('{"n": 9007199254740992}', '{"n": 1e-400}', '{"ä": 1}', '{"a": [{"\\n": 1}]}'):
        with pytest.raises(DBAPIError):
            async with database.statements() as session:
                await session.execute(call, {"data": data})
    assert await PostgresAudit(database).head() is None


Canonical = Callable[[list[str]], list[str]]


@pytest.fixture(scope="module")
def canonical(stack: Stack) -> Generator[Canonical]:
    """The database's canonical form of JSON texts."""
    migration = importlib.import_module("activities.storage.migrations.versions.0004_audit")
    with asyncio.Runner() as runner:

        async def opened() -> Any:
            connection = await asyncpg.connect(stack.environment()["CONCLAVE_DATABASE_OWNER_URL"])
            await connection.execute("CREATE SCHEMA canonical; SET search_path = canonical")
            await connection.execute(migration.CANONICAL)
            return connection

        connection = runner.run(opened())

        async def asked(texts: list[str]) -> list[str]:
            rows = await connection.fetch("SELECT audit_canonical(t::jsonb) c FROM unnest($1::text[]) t", texts)
            return [row["c"] for row in rows]

        yield lambda texts: runner.run(asked(texts))
        runner.run(connection.execute("DROP SCHEMA canonical CASCADE"))
        runner.run(connection.close())


numbers = st.integers(-MAX_NUMBER, MAX_NUMBER) | st.floats(-MAX_NUMBER, MAX_NUMBER) | st.floats(-2e-5, 2e-5)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
names = st.text(st.characters(min_codepoint=32, max_codepoint=126))
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
    max_leaves=12,
)
EDGES = [0.0, -0.0, 1e-6, 9.999999e-7, 1e-7, 5e-324, 0.1 + 0.2, 1e15, 1e16 / 2, 123456789012345.67, 1e2, -1.5e-10]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(values, min_size=20, max_size=40))
@example([*EDGES, *(math.pi * 10.0**power for power in range(-320, 16))])
@example([{"b": 1, "B": 2, "_": 3, "": 4, "aa": 5, "a": 6, "~": 7}, "\x7f\u2028\ue000\U0001f600", [], {}])
def test_the_database_writes_json_as_rfc_8785_does(canonical: Canonical, given: list[object]) -> None:
    assert canonical([json.dumps(each) for each in given]) == [rfc8785.dumps(each).decode() for each in given]  # type: ignore[arg-type]

"""Sources and reviews in the real database."""

import asyncio
import os
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.ports import ReviewUnknown, SourceUnknown, StoreUnavailable
from activities.storage import schema
from activities.storage import sources as storage_sources
from activities.storage.database import Database, engine_for
from activities.storage.reviews import PostgresReviews
from activities.storage.sources import PostgresSources, split_lines
from activities.storage.statements import Statements
from models.assembly import ExpertWork, Frame, assemble
from models.config import ConsensusConfig
from models.expert import ExpertName
from models.intake import AcceptedSource
from models.opinion import Opinion
from models.order import ReviewOrder
from models.review import ExpertStatus, ReviewMode, ReviewReport, ReviewStatus
from models.source import ArtifactKind
from starter.stack.launcher import Stack
from tests.fakes import TEXTS, finding, manifest, order, static

SEC = ExpertName.SECURITY
ME = "me"
AWAY = "postgresql://nobody@127.0.0.1:9/none"


async def stored(database: Database, statements: Statements) -> tuple[PostgresSources, PostgresReviews, ReviewOrder]:
    sources, reviews = PostgresSources(database), PostgresReviews(database, statements)
    source = AcceptedSource(manifest(), dict(TEXTS), {ArtifactKind.LCOV: b"TN:\n"})
    what = order(review_id=uuid.uuid4().hex, source_id=(await sources.save(ME, source)).source_id)
    await reviews.accept(ME, what, "hash", None)
    return sources, reviews, what


def report(what: ReviewOrder) -> ReviewReport:
    frame = Frame(what.review_id, ReviewMode.PARALLEL, "namespaces", "test", datetime.now(UTC))
    work = ExpertWork(SEC, ExpertStatus.DONE, findings=(finding(),), coverage=static(SEC).coverage)
    lines = {path: split_lines(text) for path, text in TEXTS.items()}
    return assemble(frame, manifest(), lines, [work], ConsensusConfig())


async def test_a_source_comes_back_as_plain_files_and_leaves_nothing(
    database: Database, statements: Statements
) -> None:
    sources, _, what = await stored(database, statements)
    async with sources.checkout(what.source_id) as tree, sources.checkout(what.source_id) as same:
        assert same.root == tree.root
        assert {p.relative_to(tree.root).as_posix() for p in tree.root.rglob("*") if p.is_file()} == set(TEXTS)
        assert (tree.root / "shop/app.py").read_text() == TEXTS["shop/app.py"]
        assert tree.artifacts[ArtifactKind.LCOV].read_bytes() == b"TN:\n"
        assert os.stat(tree.root.parent).st_mode & 0o077 == 0
    assert not tree.root.parent.exists()


async def test_line_ends_are_kept_and_counted_as_editors_do(database: Database) -> None:
    assert split_lines("a\r\nb\rc\n") == ["a", "b", "c"]
    assert split_lines("a\x0cb\u2028c") == ["a\x0cb\u2028c"]
    assert split_lines("") == []
    texts = {"a.py": "x\r\ny\n", "dir/b.py": "\ufeff\u00e9"}
    sources = PostgresSources(database)
    await sources.save(ME, AcceptedSource(manifest(texts), texts, {}))
    async with sources.checkout("5" * 32) as tree:
        assert (tree.root / "a.py").read_bytes() == b"x\r\ny\n"


async def test_what_is_not_there_is_unknown(database: Database, statements: Statements) -> None:
    sources, reviews, what = await stored(database, statements)
    with pytest.raises(SourceUnknown):
        async with sources.checkout("0" * 32):
            pass
    with pytest.raises(SourceUnknown):
        await sources.manifest("somebody else", what.source_id)
    with pytest.raises(ReviewUnknown):
        await reviews.get("somebody else", what.review_id)


async def test_saving_twice_changes_nothing(database: Database, statements: Statements) -> None:
    _, reviews, what = await stored(database, statements)
    assert await reviews.start_expert(what.review_id, SEC) is None
    result = static(SEC, finding())
    for _ in range(2):
        await reviews.save_static(what.review_id, result, 1.5)
        await reviews.save_opinion(what.review_id, SEC, 1, Opinion(confidence=0.5))
        await reviews.publish([report(what)])
    assert await reviews.start_expert(what.review_id, SEC) == result
    assert (await reviews.static_results(what.review_id))[SEC] == (result, 1.5)
    assert await reviews.opinion(what.review_id, SEC, 1) == Opinion(confidence=0.5)
    assert await reviews.opinion(what.review_id, SEC, 2) is None
    published = await reviews.report(what.review_id)
    assert published is not None and len(published.findings) == 1


async def test_a_review_that_ended_stays_as_it_ended(database: Database, statements: Statements) -> None:
    _, reviews, what = await stored(database, statements)
    assert [row.id for row in await reviews.unfinished()] == [what.review_id]
    await reviews.publish([report(what)])
    await reviews.finish(what.review_id, ReviewStatus.FAILED, "late", datetime.now(UTC))
    row = await reviews.get(ME, what.review_id)
    assert (row.status, row.failure, row.partial) == ("completed", None, False)
    assert await reviews.unfinished() == []


async def test_one_key_under_load_is_one_review(database: Database, statements: Statements) -> None:
    _, reviews, what = await stored(database, statements)
    orders = [what.model_copy(update={"review_id": uuid.uuid4().hex}) for _ in range(50)]
    made = await asyncio.gather(*(reviews.accept(ME, each, "hash", "key") for each in orders))
    assert len({row.id for row, _ in made}) == 1
    assert sum(fresh for _, fresh in made) == 1


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    reviews = PostgresReviews(Database(engine_for(AWAY)), Statements(AWAY))
    with pytest.raises(StoreUnavailable):
        await reviews.unfinished()
    with pytest.raises(StoreUnavailable):
        await reviews.static_results("0" * 32)


async def test_a_dropped_connection_is_replaced(database: Database, statements: Statements, stack: Stack) -> None:
    _, reviews, what = await stored(database, statements)
    async with database.statements() as session:
        name = (await session.execute(text("SELECT current_schema()"))).scalar_one()
    another = await asyncpg.connect(stack.environment()["CONCLAVE_DATABASE_URL"])
    ended = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE application_name = $1 AND usename = current_user"
    )
    assert await another.fetchval(ended, name) >= 1
    await another.close()
    assert (await reviews.get(ME, what.review_id)).status == "running"


async def test_many_processes_migrate_once(empty_engine: AsyncEngine) -> None:
    with pytest.raises(schema.SchemaTooOld):
        await schema.check(empty_engine)
    await asyncio.gather(*(schema.upgrade(empty_engine) for _ in range(5)))
    await schema.check(empty_engine)


async def test_a_database_of_a_newer_release_is_refused(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for step in (schema.check, schema.upgrade):
        with pytest.raises(schema.SchemaTooNew):
            await step(engine)


async def test_the_tables_are_those_of_the_code(engine: AsyncEngine) -> None:
    from sqlalchemy import Connection, inspect
    from sqlmodel import SQLModel

    def columns(connection: Connection) -> dict[str, set[str]]:
        seen = inspect(connection)
        return {name: {c["name"] for c in seen.get_columns(name)} for name in seen.get_table_names()}

    async with engine.connect() as connection:
        found = await connection.run_sync(columns)
    found.pop("alembic_version")
    assert found == {name: set(table.columns.keys()) for name, table in SQLModel.metadata.tables.items()}


async def test_many_sources_lie_side_by_side_and_leave_nothing(database: Database, statements: Statements) -> None:
    sources, _, what = await stored(database, statements)
    texts = {"a.py": "x = 1\n"}
    other = manifest(texts).model_copy(update={"source_id": uuid.uuid4().hex, "content_hash": "d" * 64})
    await sources.save(ME, AcceptedSource(other, texts, {}))
    wanted = [other.source_id, what.source_id, other.source_id]
    async with sources.checkout_many(wanted) as batch:
        assert [tree.manifest.source_id for tree in batch.trees] == wanted
        assert sorted(batch.root.iterdir()) == sorted(tree.root for tree in batch.trees)
        assert (batch.trees[0].root / "a.py").read_text() == "x = 1\n"
        assert (batch.trees[1].root / "shop/app.py").read_text() == TEXTS["shop/app.py"]
        assert batch.trees[1].artifacts[ArtifactKind.LCOV].read_bytes() == b"TN:\n"
        assert os.stat(batch.root.parent).st_mode & 0o077 == 0
    assert not batch.root.parent.exists()
    with pytest.raises(SourceUnknown):
        async with sources.checkout_many([what.source_id, "0" * 32]):
            pass


async def test_static_halves_of_many_reviews_are_saved_at_once(
    database: Database, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, reviews, what = await stored(database, statements)
    another = what.model_copy(update={"review_id": uuid.uuid4().hex})
    await reviews.accept(ME, another, "hash", None)
    result = static(SEC, finding(message="quotes ' and \" and \\ and :name"))
    rows = [(what.review_id, result, 1.5), (another.review_id, static(ExpertName.QUALITY), 2.5)]
    await reviews.save_statics([])
    for size in (4_000_000, 1):
        monkeypatch.setattr("activities.storage.reviews.STATEMENT_CHARACTERS", size)
        await reviews.save_statics(rows)
    assert await reviews.static_seconds([what.review_id, another.review_id, "0" * 32]) == {
        what.review_id: {SEC: 1.5},
        another.review_id: {ExpertName.QUALITY: 2.5},
    }
    assert await reviews.static_results(what.review_id) == {SEC: (result, 1.5)}
    assert await reviews.start_expert(what.review_id, SEC) == result
    assert (await reviews.progress(what.review_id))[SEC].findings == 1


async def test_static_halves_that_are_stored_stay(database: Database, statements: Statements) -> None:
    _, reviews, what = await stored(database, statements)
    await reviews.start_expert(what.review_id, SEC)
    await reviews.save_statics([(what.review_id, static(SEC, finding()), 1.5)])
    await reviews.save_statics([(what.review_id, static(SEC), 9.5)])
    assert await reviews.static_results(what.review_id) == {SEC: (static(SEC, finding()), 1.5)}


async def test_only_reviews_that_run_are_published(database: Database, statements: Statements) -> None:
    """A try that was believed dead, or did not hear of a cancellation yet, comes too late."""
    _, reviews, what = await stored(database, statements)
    cancelled = what.model_copy(update={"review_id": uuid.uuid4().hex})
    await reviews.accept(ME, cancelled, "hash", None)
    await reviews.save_statics([(each.review_id, static(SEC), 1.0) for each in (what, cancelled)])
    await reviews.finish(cancelled.review_id, ReviewStatus.CANCELLED, None, datetime.now(UTC))
    first = report(what)
    await reviews.publish([first, report(cancelled)])
    await reviews.publish([report(what).model_copy(update={"findings": (), "partial": True})])
    assert await reviews.report(what.review_id) == first
    row = await reviews.get(ME, cancelled.review_id)
    assert (row.status, row.report) == (ReviewStatus.CANCELLED, None)
    async with database.transaction() as session:
        found = (await session.execute(text("SELECT DISTINCT review_id FROM findings"))).scalars()
        assert list(found) == [what.review_id]
    assert (await reviews.progress(cancelled.review_id))[SEC].findings == 0
    assert (await reviews.progress(what.review_id))[SEC].findings == 1


async def test_tries_that_publish_at_once_publish_one_report(database: Database, statements: Statements) -> None:
    _, reviews, what = await stored(database, statements)
    tries = [report(what).model_copy(update={"partial": bool(number % 2)}) for number in range(8)]
    await asyncio.gather(*(reviews.publish([each]) for each in tries))
    assert await reviews.report(what.review_id) in tries
    assert (await reviews.get(ME, what.review_id)).partial == (await reviews.report(what.review_id)).partial


@pytest.mark.parametrize("many", [True, False])
async def test_a_layout_that_is_cancelled_leaves_nothing(
    database: Database, statements: Statements, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    _, _, what = await stored(database, statements)
    sources, begun = PostgresSources(database, tmp_path), threading.Event()
    write = "_write_many" if many else "_write"

    def slow(folder: Path, *_: Any) -> Any:
        begun.set()
        time.sleep(0.3)
        folder.mkdir(parents=True, exist_ok=True)  # as the next file in a folder of the source does
        (folder / "late.py").touch()

    monkeypatch.setattr(storage_sources, write, slow)

    async def laid_out() -> None:
        async with sources.checkout_many([what.source_id]) if many else sources.checkout(what.source_id):
            pass

    task = asyncio.create_task(laid_out())
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.5)
    assert list(tmp_path.iterdir()) == []


async def test_what_runs_in_the_background_is_in_nobodys_list(database: Database, statements: Statements) -> None:
    _, reviews, what = await stored(database, statements)
    assert [row.id for row in await reviews.page(ME, None, 10)] == [what.review_id]
    async with database.transaction() as session:
        await session.execute(text("UPDATE reviews SET background = true"))
    assert await reviews.page(ME, None, 10) == []
    assert await reviews.unfinished() == []
    assert (await reviews.get(ME, what.review_id)).background


async def test_a_review_names_its_configuration(database: Database, statements: Statements) -> None:
    _, reviews, what = await stored(database, statements)
    name = f"cfg:v1:sha256:{'0' * 64}"
    named = what.model_copy(update={"review_id": uuid.uuid4().hex, "config_hash": name})
    row, _ = await reviews.accept(ME, named, "hash", None)
    assert row.config_hash == name

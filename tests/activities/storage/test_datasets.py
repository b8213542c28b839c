"""Datasets in the real database: written once, whole, and audited."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.experiment_ports import DatasetUnknown, SampleUnknown
from activities.storage.audit import PostgresAudit
from activities.storage.database import Database
from activities.storage.datasets import OWNER, PostgresDatasets
from activities.storage.sources import PostgresSources
from models.audit import AuditAction
from models.dataset import Dataset, SampleLine, Split, content_hash
from models.dataset_lines import read_lines
from models.dataset_samples import splits_of, stats_of, upload_of
from models.intake import AcceptedSource
from models.source import Language
from starter.intake.accept import accept
from tests.labelled import CODE, clean, jsonl, label, row

BY = "anna"
SECRET = "giveaway"


@pytest.fixture
def datasets(database: Database) -> PostgresDatasets:
    return PostgresDatasets(database, PostgresSources(database))


def accepted(lines: Sequence[SampleLine]) -> list[AcceptedSource]:
    return [accept(upload_of(line), source_id=uuid4().hex) for line in lines]


async def imported(datasets: PostgresDatasets, *rows: dict[str, Any], name: str = "demo") -> tuple[Dataset, bool]:
    lines = read_lines(jsonl(*rows))
    return await datasets.import_(name, lines, accepted(lines), BY)


async def count(database: Database, table: str) -> int:
    async with database.statements() as session:
        return (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()


async def test_what_was_imported_is_read(datasets: PostgresDatasets, database: Database) -> None:
    rows = (
        row("a", labels=[label(rule="S1"), label(type="bug/xss", cwe=None, severity=None)], scope={"rules": ["S1"]}),
        clean("b/1", language="c", filename="src/x.c", code="int x;", group="g", split="test", source="s", note=[1.5]),
    )
    dataset, fresh = await imported(datasets, *rows)
    lines = read_lines(jsonl(*rows))
    assert fresh
    assert (dataset.name, dataset.version, dataset.created_by) == ("demo", 1, BY)
    assert (dataset.content_hash, dataset.stats) == (content_hash(lines), stats_of(lines))
    assert await datasets.get(dataset.id) == await datasets.by_name("demo") == await datasets.find("demo") == dataset
    assert await datasets.find(dataset.id) == dataset

    first, second = await datasets.samples(dataset.id, range(10))
    assert (first.position, first.sample_id, first.path, first.group) == (0, "a", "app.py", "a")
    assert (first.labels, first.scope, first.clean) == (lines[0].labels, lines[0].scope, False)
    assert (second.sample_id, second.path, second.language) == ("b/1", "x.c", Language.C)
    assert (second.group, second.split, second.labels, second.clean) == ("g", Split.TEST, (), True)
    assert await datasets.samples(dataset.id, [1]) == [second]
    assert await datasets.samples(dataset.id, []) == []

    seen = await datasets.sample(dataset.id, 1)
    assert seen.sample == second
    assert (seen.extra.filename, seen.extra.source, seen.extra.other) == ("src/x.c", "s", {"note": [1.5]})
    with pytest.raises(SampleUnknown):
        await datasets.sample(dataset.id, 2)


async def test_what_is_not_there_is_unknown(datasets: PostgresDatasets) -> None:
    await imported(datasets, row())
    for reference in ("nothing", "0" * 32, "No Name", "a\0b", "", "../demo", "demo\n"):
        for look in (datasets.find, datasets.get, datasets.by_name):
            with pytest.raises(DatasetUnknown):
                await look(reference)
    with pytest.raises(DatasetUnknown):
        await datasets.by_name("demo", 2)


async def test_the_same_content_is_the_same_version_and_new_content_the_next(
    datasets: PostgresDatasets, database: Database
) -> None:
    first, _ = await imported(datasets, row("a"), row("b"))
    assert await imported(datasets, row("a"), row("b")) == (first, False)
    second, fresh = await imported(datasets, row("a"), row("b"), row("c"))
    assert (fresh, second.version) == (True, 2)
    assert await imported(datasets, row("a"), row("b")) == (first, False)
    other, fresh = await imported(datasets, row("a"), row("b"), name="other")
    assert (fresh, other.version, other.content_hash) == (True, 1, first.content_hash)
    assert await datasets.by_name("demo") == second
    assert await datasets.by_name("demo", 1) == first
    assert await datasets.page(None, 10) == [other, second, first]
    assert await datasets.page((second.created_at, second.id), 10) == [first]
    # The code is stored once, however many samples have it.
    assert await count(database, "sources") == 1
    assert await count(database, "samples") == 2 + 3 + 2
    told = [entry async for entry in PostgresAudit(database).entries()]
    assert [(each.action, each.actor, each.subject) for each in told] == [
        (AuditAction.DATASET_IMPORTED, BY, each.id) for each in (first, second, other)
    ]
    assert told[1].data == {"name": "demo", "version": 2, "content_hash": second.content_hash, "samples": 3}


async def test_nothing_that_was_imported_can_be_changed(datasets: PostgresDatasets, database: Database) -> None:
    await imported(datasets, row())
    for change in ("UPDATE datasets SET stats = '{}'", "UPDATE samples SET clean = true", "DELETE FROM samples"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with database.statements() as session:
                await session.execute(text(change))


async def test_imports_at_once_count_their_versions(datasets: PostgresDatasets) -> None:
    codes = [CODE + "#" * n for n in range(6)]
    wanted = [[row(f"s{at}", code=code) for at, code in enumerate(codes[n:] + codes[:n])] for n in range(4)]
    made = await asyncio.gather(*(imported(datasets, *rows) for rows in wanted + wanted))
    assert sorted(dataset.version for dataset, fresh in made if fresh) == [1, 2, 3, 4]
    assert sum(fresh for _, fresh in made) == 4
    elsewhere = await asyncio.gather(*(imported(datasets, *rows, name=f"n{n}") for n, rows in enumerate(wanted)))
    assert all(fresh for _, fresh in elsewhere)


async def test_an_import_that_fails_leaves_nothing(
    engine: AsyncEngine, datasets: PostgresDatasets, database: Database
) -> None:
    async with engine.begin() as owner:
        await owner.execute(text("ALTER TABLE samples ADD CHECK (sample_id <> 'b')"))
    with pytest.raises(Exception, match="samples"):
        await imported(datasets, row("a"), row("b"))
    for table in ("sources", "samples", "datasets", "audit_log"):
        assert await count(database, table) == 0
    with pytest.raises(DatasetUnknown):
        await datasets.by_name("demo")


async def test_the_source_of_a_sample_gives_nothing_away(datasets: PostgresDatasets, database: Database) -> None:
    told = row(
        SECRET,
        filename=f"{SECRET}/app.py",
        labels=[label(type=SECRET, rule=SECRET)],
        source=SECRET,
        licence=SECRET,
        group=SECRET,
        scope={"rules": [SECRET]},
        note=SECRET,
    )
    dataset, _ = await imported(datasets, told, name=SECRET)
    (sample,) = await datasets.samples(dataset.id, [0])
    async with database.statements() as session:
        stored = (await session.execute(text("SELECT to_jsonb(s) FROM sources s"))).scalar_one()
    assert SECRET not in json.dumps(stored)
    sources = PostgresSources(database)
    assert (await sources.manifest(OWNER, sample.source_id)).label == "sample"
    async with sources.checkout(sample.source_id) as tree:
        assert [file.relative_to(tree.root).as_posix() for file in tree.root.rglob("*")] == ["app.py"]
        assert (tree.root / sample.path).read_text() == CODE
        assert SECRET not in str(tree.root)


async def test_thousands_of_samples_take_seconds(datasets: PostgresDatasets) -> None:
    lines = read_lines(jsonl(*(row(f"s{n}", code=f"{CODE}# {n}\n") for n in range(2_000))))
    sources = accepted(lines)
    begin = time.monotonic()
    dataset, _ = await datasets.import_("large", lines, sources, BY)
    took = time.monotonic() - begin
    assert took < 10
    found = await datasets.samples(dataset.id, range(2_000))
    assert [each.position for each in found] == list(range(2_000))
    assert len({each.source_id for each in found}) == 2_000
    assert [each.split for each in found] == splits_of(lines)

"""Datasets in Postgres. A version is written once; nothing here changes one."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import ARRAY, Integer, Select, any_, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.experiment_ports import DatasetUnknown, SampleUnknown
from activities.storage.audit import append_in
from activities.storage.database import Database
from activities.storage.dataset_rows import DATASETS, SAMPLES, dataset_of, rows_of, sample_of
from activities.storage.paging import Position, page_of
from activities.storage.sources import PostgresSources
from models.audit import AuditAction, AuditEvent
from models.dataset import NAME, Dataset, Sample, SampleExtra, SampleLine, SampleView, content_hash
from models.dataset_samples import stats_of
from models.ids import ID
from models.intake import AcceptedSource

OWNER = "conclave-datasets"
"""Who owns the sources of samples."""

BATCH = 1_000
"""Samples that are sent at once."""


class PostgresDatasets:
    """Datasets by id, or by name and version."""

    def __init__(self, database: Database, sources: PostgresSources) -> None:
        self._database = database
        self._sources = sources

    async def import_(
        self, name: str, lines: Sequence[SampleLine], sources: Sequence[AcceptedSource], by: str
    ) -> tuple[Dataset, bool]:
        """Store the next version of a dataset, audited in the same transaction.

        Args:
            name: of the dataset.
            lines: its samples, in order.
            sources: what a reviewer sees of each, in the same order.
            by: who imports it.

        Returns:
            The dataset, and whether it is new: the same content under the same name gives the version that is there.
        """
        wanted = await asyncio.to_thread(_described, name, lines, by)
        async with self._database.transaction() as session:
            # Two imports under one name would count the same version.
            await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"dataset {name}", 0))))
            there = await self._one(
                session, select(DATASETS).where(DATASETS.c.name == name, DATASETS.c.content_hash == wanted.content_hash)
            )
            if there is not None:
                return there, False
            last = select(func.coalesce(func.max(DATASETS.c.version), 0)).where(DATASETS.c.name == name)
            dataset = wanted.model_copy(update={"version": (await session.execute(last)).scalar_one() + 1})
            await session.execute(
                insert(DATASETS), [dataset.model_dump(mode="json") | {"created_at": dataset.created_at}]
            )
            await self._add_samples(session, dataset.id, lines, sources)
            await append_in(session, _imported(dataset))
        return dataset, True

    async def _add_samples(
        self, session: AsyncSession, dataset_id: str, lines: Sequence[SampleLine], sources: Sequence[AcceptedSource]
    ) -> None:
        ids = await self._sources.save_all(session, OWNER, sources)
        rows = await asyncio.to_thread(rows_of, dataset_id, lines, sources, ids)
        for first in range(0, len(rows), BATCH):
            await session.execute(insert(SAMPLES), rows[first : first + BATCH])

    async def get(self, dataset_id: str) -> Dataset:
        """One dataset.

        Raises:
            DatasetUnknown: there is none.
        """
        if not ID.match(dataset_id):
            raise DatasetUnknown
        return await self._found(select(DATASETS).where(DATASETS.c.id == dataset_id))

    async def by_name(self, name: str, version: int | None = None) -> Dataset:
        """One version of a dataset; None: the newest.

        Raises:
            DatasetUnknown: there is none.
        """
        if not NAME.fullmatch(name):  # among others what the database takes for no text at all
            raise DatasetUnknown
        query = select(DATASETS).where(DATASETS.c.name == name).order_by(DATASETS.c.version.desc()).limit(1)
        return await self._found(query if version is None else query.where(DATASETS.c.version == version))

    async def find(self, reference: str) -> Dataset:
        """One dataset by its id, or the newest version of a name.

        Raises:
            DatasetUnknown: there is none.
        """
        try:
            return await self.get(reference)
        except DatasetUnknown:
            return await self.by_name(reference)

    async def page(self, before: Position | None, size: int) -> list[Dataset]:
        """Datasets older than a position (`created_at`, `id`), newest first."""
        query = select(DATASETS)
        query = page_of(query, DATASETS.c.created_at, DATASETS.c.id, before, size)
        async with self._database.statements() as session:
            return [dataset_of(row) for row in (await session.execute(query)).all()]

    async def samples(self, dataset_id: str, positions: Sequence[int]) -> list[Sample]:
        """Some samples of a dataset, in the order of their positions; those that it has not are left out."""
        wanted = any_(literal(list(positions), ARRAY(Integer)))
        query = select(*(column for column in SAMPLES.c if column.name != "extra")).where(
            SAMPLES.c.dataset_id == dataset_id, SAMPLES.c.position == wanted
        )
        async with self._database.statements() as session:
            return [sample_of(row) for row in (await session.execute(query.order_by(SAMPLES.c.position))).all()]

    async def sample(self, dataset_id: str, position: int) -> SampleView:
        """One sample and what its line says besides; for people.

        Raises:
            SampleUnknown: there is none.
        """
        query = select(SAMPLES).where(SAMPLES.c.dataset_id == dataset_id, SAMPLES.c.position == position)
        async with self._database.statements() as session:
            row = (await session.execute(query)).one_or_none()
        if row is None:
            raise SampleUnknown
        return SampleView(sample=sample_of(row), extra=SampleExtra.model_validate(row.extra))

    async def _found(self, query: Select[Any]) -> Dataset:
        async with self._database.statements() as session:
            dataset = await self._one(session, query)
        if dataset is None:
            raise DatasetUnknown
        return dataset

    @staticmethod
    async def _one(session: AsyncSession, query: Select[Any]) -> Dataset | None:
        row = (await session.execute(query)).one_or_none()
        return None if row is None else dataset_of(row)


def _described(name: str, lines: Sequence[SampleLine], by: str) -> Dataset:
    """The first version of a dataset."""
    return Dataset(
        id=uuid4().hex,
        name=name,
        version=1,
        content_hash=content_hash(lines),
        stats=stats_of(lines),
        created_by=by,
        created_at=datetime.now(UTC),
    )


def _imported(dataset: Dataset) -> AuditEvent:
    said = {
        "name": dataset.name,
        "version": dataset.version,
        "content_hash": dataset.content_hash,
        "samples": dataset.stats.samples,
    }
    return AuditEvent(
        action=AuditAction.DATASET_IMPORTED,
        actor=dataset.created_by,
        subject=dataset.id,
        data=said,
        dedup=f"dataset-imported:{dataset.id}",
    )

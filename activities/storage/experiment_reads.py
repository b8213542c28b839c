"""Experiments in Postgres, read."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Float, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from activities.experiment_ports import Datasets, ExperimentUnknown, StoredExperiment
from activities.storage.database import Database
from activities.storage.experiment_rows import evaluation_of, stored
from activities.storage.experiment_samples import SampleRows
from activities.storage.paging import Position, page_of
from models import tables
from models.experiment import ENDED, Evaluation, ExperimentStatus, Progress
from models.ids import ID, analysis_queue, models_queue


class ExperimentReads:
    """What is there."""

    def __init__(self, database: Database, datasets: Datasets, prefix: str) -> None:
        """Work on one database.

        Args:
            database: where experiments are.
            datasets: in the same.
            prefix: of the task queues.
        """
        self._database = database
        self._samples = SampleRows(database, datasets, analysis_queue(prefix), models_queue(prefix))

    async def row(self, experiment_id: str) -> tables.Experiment:
        """One experiment as it is stored."""
        if not ID.match(experiment_id):
            raise ExperimentUnknown
        async with self._database.statements() as session:
            return await row_in(session, experiment_id)

    async def page(
        self, before: Position | None, size: int, statuses: Sequence[ExperimentStatus] = ()
    ) -> list[tables.Experiment]:
        """Experiments, newest first, older than a position; only those that stand so, if that is said."""
        experiment = tables.Experiment
        query = select(experiment).where(col(experiment.comparison_id).is_(None))
        if statuses:
            query = query.where(col(experiment.status).in_(statuses))
        query = page_of(query, col(experiment.created_at), col(experiment.id), before, size)
        async with self._database.statements() as session:
            return list((await session.execute(query)).scalars())

    async def unfinished(self) -> list[tables.Experiment]:
        """Experiments that count as under way; those of a comparison are looked after by its process."""
        under_way = [status.value for status in ExperimentStatus if status not in ENDED]
        query = select(tables.Experiment).where(
            col(tables.Experiment.status).in_(under_way),
            col(tables.Experiment.status) != ExperimentStatus.CREATED.value,
            col(tables.Experiment.comparison_id).is_(None),
        )
        async with self._database.statements() as session:
            return list((await session.execute(query)).scalars())

    async def alike(self, config_hashes: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Hashes of other configurations that hardly differ, by configuration."""
        mine, other = tables.ReviewerConfiguration, aliased(tables.ReviewerConfiguration)
        query = (
            select(col(mine.config_hash), col(other.config_hash))
            .join(other, col(other.similarity_hash) == col(mine.similarity_hash))
            .where(col(mine.config_hash).in_(set(config_hashes)), col(other.config_hash) != col(mine.config_hash))
            .order_by(col(other.created_at))
        )
        found: dict[str, tuple[str, ...]] = {}
        async with self._database.statements() as session:
            for name, like in (await session.execute(query)).all():
                found[name] = (*found.get(name, ()), like)
        return found

    async def dataset_names(self, dataset_ids: Sequence[str]) -> dict[str, str]:
        """What people call datasets: name and version."""
        dataset = tables.Dataset
        query = select(col(dataset.id), col(dataset.name), col(dataset.version)).where(
            col(dataset.id).in_(set(dataset_ids))
        )
        async with self._database.statements() as session:
            return {row.id: f"{row.name} v{row.version}" for row in (await session.execute(query)).all()}

    async def get(self, experiment_id: str) -> StoredExperiment:
        return stored(await self.row(experiment_id))

    async def tokens(self, experiment_id: str) -> int:
        return await self._samples.tokens(experiment_id)

    async def progress(self, rows: Sequence[tables.Experiment]) -> dict[str, Progress]:
        """How far experiments are, without an estimate of the time that is left."""
        return await self._samples.progress({row.id: len(row.positions) for row in rows})

    async def seconds_each(self, experiment_id: str) -> float | None:
        """How long a sample takes of late; None before two are over."""
        return await self._samples.seconds_each(experiment_id)

    async def evaluation(self, experiment_id: str) -> Evaluation | None:
        """What came of an experiment; None: nothing yet."""
        query = select(tables.Evaluation).where(col(tables.Evaluation.experiment_id) == experiment_id)
        async with self._database.statements() as session:
            row = (await session.execute(query)).scalar_one_or_none()
        return None if row is None else evaluation_of(row)

    async def promotion_of(self, experiment_id: str) -> str | None:
        """Id of the newest promotion that was asked for; None: none was."""
        query = (
            select(col(tables.Promotion.id))
            .where(col(tables.Promotion.experiment_id) == experiment_id)
            .order_by(col(tables.Promotion.requested_at).desc())
            .limit(1)
        )
        async with self._database.statements() as session:
            return (await session.execute(query)).scalar_one_or_none()

    async def baseline_cost(self, config_hash: str, dataset_hash: str) -> int | None:
        cost = cast(Any, tables.Evaluation.metrics)[("cost_per_analysis", "value")].astext.cast(Float)
        fixed = cast(Any, tables.Experiment.bar)["dataset_hash"].astext
        query = (
            select(cost)
            .join(tables.Experiment, col(tables.Experiment.id) == col(tables.Evaluation.experiment_id))
            .where(
                col(tables.Experiment.config_hash) == config_hash,
                fixed == dataset_hash,
                cost.is_not(None),
            )
            .order_by(col(tables.Evaluation.evaluated_at).desc())
            .limit(1)
        )
        async with self._database.statements() as session:
            found = cast(float | None, (await session.execute(query)).scalar_one_or_none())
        return None if found is None else round(found)


async def row_in(session: AsyncSession, experiment_id: str, *, locked: bool = False) -> tables.Experiment:
    """One row in the caller's transaction.

    Raises:
        ExperimentUnknown: there is none.
    """
    row = await session.get(tables.Experiment, experiment_id, with_for_update=locked)
    if row is None:
        raise ExperimentUnknown
    return row

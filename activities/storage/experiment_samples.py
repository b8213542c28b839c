"""The samples of experiments in Postgres, each with the review that is made of it."""

import hashlib
import json
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from activities.experiment_ports import Datasets, SampleResult, SampleReview, StoredExperiment
from activities.storage.database import Database
from models.experiment import Progress, SampleEnd
from models.order import ReviewOrder
from models.review import ReviewReport, ReviewStatus
from models.source import SourceManifest
from models.submission import ReviewSubmission, order_of
from models.tables import ExperimentSample, Review, Source

OWNER = "conclave-experiments"
"""Whose list the reviews of samples are in: nobody's."""

PAGE = 50
"""Reports that are in memory at once."""

PACE = 50
"""Samples by whose ends the time that is left is told."""

NOTE = text(
    """
    WITH noted AS (
        UPDATE experiment_samples s
        SET seconds = e.seconds, failure = e.failure, finished_at = now(), cached = e.cached OR EXISTS (
            SELECT 1 FROM expert_results x
            WHERE x.review_id = s.review_id AND x.attempt > 0 AND x.result ->> 'cached' = 'true'
        )
        FROM jsonb_to_recordset(cast(cast(:ends AS text) AS jsonb))
            AS e (review_id text, seconds double precision, cached boolean, failure text)
        WHERE s.review_id = e.review_id AND s.finished_at IS NULL
        RETURNING s.review_id, s.failure
    )
    UPDATE reviews r SET status = 'failed', failure = n.failure, finished_at = now()
    FROM noted n WHERE r.id = n.review_id AND n.failure IS NOT NULL AND r.status = 'running'
    """
)
"""The first word on a sample stays."""


TOKENS = text(
    """
    SELECT coalesce(sum(cast(count.value AS bigint)), 0)
    FROM experiment_samples s JOIN ledger l ON l.review_id = s.review_id
    CROSS JOIN LATERAL jsonb_each_text(l.usage) AS count (name, value)
    WHERE s.experiment_id = :experiment AND jsonb_typeof(l.usage) = 'object'
        AND count.name IN ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output')
    """
)


def review_id_of(experiment_id: str, number: int) -> str:
    """Id of the review of one sample: always the same, so that no sample is reviewed twice."""
    return hashlib.sha256(f"{experiment_id}:{number}".encode()).hexdigest()[:32]


class SampleRows:
    """What `PostgresExperiments` knows of samples."""

    def __init__(self, database: Database, datasets: Datasets, analysis_queue: str, models_queue: str) -> None:
        self._database = database
        self._datasets = datasets
        self._queues = {"analysis_queue": analysis_queue, "models_queue": models_queue}

    async def reviews(self, experiment: StoredExperiment, first: int, count: int) -> list[SampleReview]:
        """The reviews of some samples, in order; made if missing."""
        positions = experiment.positions[first : first + count]
        rows = await self._rows(experiment.id, first, len(positions))
        missing = set(range(first, first + len(positions))) - {row.number for row in rows}
        if missing:
            await self._add(experiment, sorted(missing))
            rows = await self._rows(experiment.id, first, len(positions))
        return [
            SampleReview(
                order=ReviewOrder.model_validate(row.review_order | {"prepared": row.static_seconds is not None}),
                done=row.status != ReviewStatus.RUNNING.value,
                failed=row.status in (ReviewStatus.FAILED.value, ReviewStatus.CANCELLED.value),
            )
            for row in rows
        ]

    async def _rows(self, experiment_id: str, first: int, count: int) -> Sequence[Any]:
        sample = ExperimentSample
        query = (
            select(
                col(sample.number),
                col(sample.static_seconds),
                col(Review.review_order),
                col(Review.status),
            )
            .join(Review, col(Review.id) == col(sample.review_id))
            .where(col(sample.experiment_id) == experiment_id, col(sample.number).between(first, first + count - 1))
            .order_by(col(sample.number))
        )
        async with self._database.statements() as session:
            return (await session.execute(query)).all()

    async def _by_position(self, dataset_id: str, positions: Sequence[int]) -> dict[int, Any]:
        return {each.position: each for each in await self._datasets.samples(dataset_id, positions)}

    async def _add(self, experiment: StoredExperiment, numbers: Sequence[int]) -> None:
        samples = await self._by_position(experiment.dataset_id, [experiment.positions[each] for each in numbers])
        manifests = await self._manifests([sample.source_id for sample in samples.values()])
        reviews: list[dict[str, Any]] = []
        rows: list[dict[str, Any]] = []
        for number in numbers:
            position = experiment.positions[number]
            order = self._order(experiment, number, manifests[samples[position].source_id])
            reviews.append(
                {
                    "id": order.review_id,
                    "owner": OWNER,
                    "source_id": order.source_id,
                    "status": ReviewStatus.RUNNING.value,
                    "request_hash": "0" * 64,
                    "review_order": order.model_dump(mode="json"),
                    "config_hash": experiment.config_hash,
                    "background": True,
                    "created_at": datetime.now(UTC),
                }
            )
            rows.append(
                {
                    "experiment_id": experiment.id,
                    "number": number,
                    "position": position,
                    "review_id": order.review_id,
                    "cached": False,
                }
            )
        async with self._database.transaction() as session:
            await session.execute(insert(Review).on_conflict_do_nothing(), reviews)
            await session.execute(insert(ExperimentSample).on_conflict_do_nothing(), rows)

    async def _manifests(self, source_ids: Sequence[str]) -> dict[str, SourceManifest]:
        query = select(col(Source.id), col(Source.manifest)).where(col(Source.id).in_(set(source_ids)))
        async with self._database.statements() as session:
            return {row.id: SourceManifest.model_validate(row.manifest) for row in await session.execute(query)}

    def _order(self, experiment: StoredExperiment, number: int, manifest: SourceManifest) -> ReviewOrder:
        """As a user's review of the sample would be ordered; its author pays."""
        return order_of(
            ReviewSubmission(source_id=manifest.source_id),
            manifest,
            review_id=review_id_of(experiment.id, number),
            config=experiment.config,
            models_routed=experiment.bar is not None and experiment.bar.models,
            owner=experiment.created_by,
            known_as=experiment.config_hash,
            **self._queues,
        )

    async def note_batch(self, review_ids: Sequence[str], seconds: float) -> None:
        change = (
            update(ExperimentSample)
            .where(col(ExperimentSample.review_id).in_(review_ids), col(ExperimentSample.static_seconds).is_(None))
            .values(static_seconds=seconds)
        )
        async with self._database.statements() as session:
            await session.execute(change)

    async def note_results(self, ends: Sequence[SampleEnd]) -> None:
        said = json.dumps([end.model_dump(mode="json") for end in ends], allow_nan=False)
        async with self._database.statements() as session:
            await session.execute(NOTE, {"ends": said})

    async def results(self, experiment: StoredExperiment) -> AsyncGenerator[SampleResult, None]:
        """What came of every sample, in order; one page of reports at a time."""
        sample = ExperimentSample
        for first in range(0, len(experiment.positions), PAGE):
            query = (
                select(sample, col(Review.report))
                .join(Review, col(Review.id) == col(sample.review_id))
                .where(col(sample.experiment_id) == experiment.id, col(sample.number).between(first, first + PAGE - 1))
            )
            async with self._database.statements() as session:
                found = {row[0].number: row for row in (await session.execute(query)).all()}
            positions = experiment.positions[first : first + PAGE]
            samples = await self._by_position(experiment.dataset_id, positions)
            for number, position in enumerate(positions, first):
                row, report = found.get(number, (None, None))
                failure = "never_reviewed" if row is None else row.failure
                if failure is None and report is None:
                    failure = "no_report"
                yield SampleResult(
                    sample=samples[position],
                    report=None if failure else ReviewReport.model_validate(report),
                    seconds=0.0 if row is None else (row.static_seconds or 0.0) + (row.seconds or 0.0),
                    cached=row is not None and row.cached,
                    failure=failure,
                )

    async def tokens(self, experiment_id: str) -> int:
        """Tokens of all questions that were asked for its samples."""
        async with self._database.statements() as session:
            return int((await session.execute(TOKENS, {"experiment": experiment_id})).scalar_one())

    async def progress(self, sizes: dict[str, int]) -> dict[str, Progress]:
        """How far experiments are.

        Args:
            sizes: number of samples by experiment.
        """
        over = col(Review.status) != ReviewStatus.RUNNING.value
        wrong = col(Review.status).in_((ReviewStatus.FAILED.value, ReviewStatus.CANCELLED.value))
        query = (
            select(
                col(ExperimentSample.experiment_id),
                func.count().filter(over).label("done"),
                func.count().filter(wrong).label("errors"),
            )
            .join(Review, col(Review.id) == col(ExperimentSample.review_id))
            .where(col(ExperimentSample.experiment_id).in_(sizes))
            .group_by(col(ExperimentSample.experiment_id))
        )
        async with self._database.statements() as session:
            counted = {row.experiment_id: row for row in (await session.execute(query)).all()}
        return {
            each: Progress(
                samples=size,
                done=counted[each].done if each in counted else 0,
                errors=counted[each].errors if each in counted else 0,
            )
            for each, size in sizes.items()
        }

    async def seconds_each(self, experiment_id: str) -> float | None:
        """How long a sample takes of late, with others beside it; None before two are over."""
        query = (
            select(col(Review.finished_at))
            .join(ExperimentSample, col(Review.id) == col(ExperimentSample.review_id))
            .where(col(ExperimentSample.experiment_id) == experiment_id, col(Review.finished_at).is_not(None))
            .order_by(col(Review.finished_at).desc())
            .limit(PACE)
        )
        async with self._database.statements() as session:
            ends = [end for end in (await session.execute(query)).scalars() if end is not None]
        if len(ends) < 2:
            return None
        return max((datetime.now(UTC) - ends[-1]) / timedelta(seconds=1) / (len(ends) - 1), 0.0)

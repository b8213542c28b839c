"""Rows of datasets and samples, and what they stand for."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any, cast

from sqlalchemy import Table

from models import tables
from models.dataset import Dataset, DatasetStats, Sample, SampleLine
from models.dataset_samples import extra_of, group_of, splits_of
from models.intake import AcceptedSource

DATASETS = cast(Table, tables.Dataset.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
SAMPLES = cast(Table, tables.Sample.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def rows_of(
    dataset_id: str, lines: Sequence[SampleLine], sources: Sequence[AcceptedSource], ids: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of the samples of a dataset; `sources` and their `ids` in the order of its lines."""
    return [
        {
            "dataset_id": dataset_id,
            "position": position,
            "sample_id": line.id,
            "source_id": source_id,
            "path": source.manifest.files[0].path,
            "language": line.language,
            "split": split,
            "group_name": group_of(line),
            "clean": line.clean,
            "labels": [label.model_dump(mode="json") for label in line.labels],
            "scope": line.scope.model_dump(mode="json"),
            "extra": extra_of(line).model_dump(mode="json"),
        }
        for position, (line, source, source_id, split) in enumerate(
            zip(lines, sources, ids, splits_of(lines), strict=True)
        )
    ]


def dataset_of(row: Any) -> Dataset:
    """A dataset by its row."""
    return Dataset(
        id=row.id,
        name=row.name,
        version=row.version,
        content_hash=row.content_hash,
        stats=DatasetStats.model_validate(row.stats),
        created_by=row.created_by,
        created_at=row.created_at.astimezone(UTC),
    )


def sample_of(row: Any) -> Sample:
    """A sample by its row, with or without what its line says besides."""
    return Sample.model_validate(
        {
            "position": row.position,
            "sample_id": row.sample_id,
            "source_id": row.source_id,
            "path": row.path,
            "language": row.language,
            "split": row.split,
            "group": row.group_name,
            "clean": row.clean,
            "labels": row.labels,
            "scope": row.scope,
        }
    )

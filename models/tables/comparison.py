"""Comparisons of experiments."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.columns import as_json, utc


class Comparison(SQLModel, table=True):
    """Two configurations on the same samples."""

    __tablename__ = "comparisons"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=80)
    v1_version_id: str = Field(max_length=32)
    """Id of a version or an experiment; `config` for a configuration that is neither."""
    v2_version_id: str = Field(max_length=32)
    sides: dict[str, Any] = as_json()
    dataset_id: str = Field(foreign_key="datasets.id", max_length=32)
    dataset_size: int
    request: dict[str, Any] = as_json()
    prices: str | None = Field(default=None, max_length=64)
    """Hash of the price table when it was asked for; None: the runs were recorded before."""
    status: str = Field(max_length=20)
    metrics: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    report: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    recommendation: str | None = Field(default=None, max_length=20)
    confidence: float | None = None
    failure: str | None = Field(default=None, max_length=80)
    idempotency_key: str | None = Field(default=None, max_length=255)
    request_hash: str = Field(max_length=64)
    created_by: str = Field(max_length=120)
    created_at: datetime = utc()
    finished_at: datetime | None = utc(default=None)


class ComparisonTest(SQLModel, table=True):
    """One statistical test of a comparison."""

    __tablename__ = "statistical_tests"

    id: str = Field(primary_key=True, max_length=40)
    comparison_id: str = Field(foreign_key="comparisons.id", max_length=32)
    test_name: str = Field(max_length=64)
    metric: str = Field(max_length=64)
    p_value: float | None = None
    is_significant: bool
    effect_size: float | None = None
    test: dict[str, Any] = as_json()
    """All of it."""

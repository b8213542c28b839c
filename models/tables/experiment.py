"""Reviewer configurations, labelled data, and how one does on the other."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.columns import as_json, utc


class ReviewerConfiguration(SQLModel, table=True):
    """A reviewer configuration by its hash."""

    __tablename__ = "reviewer_configs"

    config_hash: str = Field(primary_key=True, max_length=80)
    similarity_hash: str = Field(max_length=90)
    config: dict[str, Any] = as_json()
    created_by: str = Field(max_length=120)
    created_at: datetime = utc()


class Dataset(SQLModel, table=True):
    """One immutable version of a dataset."""

    __tablename__ = "datasets"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=60)
    version: int
    content_hash: str = Field(max_length=80)
    stats: dict[str, Any] = as_json()
    created_by: str = Field(max_length=120)
    created_at: datetime = utc()


class Sample(SQLModel, table=True):
    """One labelled sample; its code is the source."""

    __tablename__ = "samples"

    dataset_id: str = Field(primary_key=True, foreign_key="datasets.id", max_length=32)
    position: int = Field(primary_key=True)
    sample_id: str = Field(max_length=120)
    source_id: str = Field(foreign_key="sources.id", max_length=32)
    path: str
    language: str = Field(max_length=20)
    split: str = Field(max_length=10)
    group_name: str = Field(max_length=120)
    clean: bool
    labels: list[dict[str, Any]] = as_json()
    scope: dict[str, Any] = as_json()
    extra: dict[str, Any] = as_json()
    """Everything else its line said; for people, never for a reviewer."""


class Experiment(SQLModel, table=True):
    """One experiment."""

    __tablename__ = "experiments"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=80)
    config: dict[str, Any] = as_json()
    config_hash: str = Field(max_length=80)
    dataset_id: str = Field(foreign_key="datasets.id", max_length=32)
    positions: list[int] = as_json()
    policy: str = Field(max_length=20)
    comparison_id: str | None = Field(default=None, foreign_key="comparisons.id", max_length=32)
    """Of the comparison that it is a run of; such a run is measured, and no gate decides on it."""
    status: str = Field(max_length=20)
    bar: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    failure: str | None = Field(default=None, max_length=80)
    idempotency_key: str | None = Field(default=None, max_length=255)
    request_hash: str = Field(max_length=64)
    created_by: str = Field(max_length=120)
    created_at: datetime = utc()
    finished_at: datetime | None = utc(default=None)


class ExperimentSample(SQLModel, table=True):
    """One sample of an experiment and the review that was made of it."""

    __tablename__ = "experiment_samples"

    experiment_id: str = Field(primary_key=True, foreign_key="experiments.id", max_length=32)
    number: int = Field(primary_key=True)
    """Place in the experiment."""
    position: int
    """Place in the dataset."""
    review_id: str = Field(foreign_key="reviews.id", unique=True, max_length=32)
    static_seconds: float | None = None
    """Its share of the batch's static analysis; None: not analysed yet."""
    seconds: float | None = None
    """From the begin of its review to its report, without `static_seconds`; None: not over."""
    cached: bool = False
    failure: str | None = Field(default=None, max_length=80)
    finished_at: datetime | None = utc(default=None)


class Evaluation(SQLModel, table=True):
    """What came of an experiment."""

    __tablename__ = "evaluations"

    id: str = Field(primary_key=True, max_length=32)
    experiment_id: str = Field(foreign_key="experiments.id", unique=True, max_length=32)
    metrics: dict[str, Any] = as_json()
    ai_verdict: str = Field(max_length=20)
    ai_confidence: float
    ai_reasons: list[str] = as_json()
    judged_by: str = Field(max_length=80)
    human_override: str | None = Field(default=None, max_length=20)
    override_reason: str | None = Field(default=None, max_length=400)
    evaluated_by: str | None = Field(default=None, max_length=120)
    """Who overrode the verdict."""
    decision: dict[str, Any] = as_json()
    report_hash: str = Field(max_length=90)
    evaluated_at: datetime = utc()

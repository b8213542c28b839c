"""Sources and their reviews."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.columns import as_json, utc


class Source(SQLModel, table=True):
    """A source under review, stored once per owner by its content hash."""

    __tablename__ = "sources"

    id: str = Field(primary_key=True, max_length=32)
    owner: str = Field(max_length=120)
    content_hash: str = Field(max_length=64)
    manifest: dict[str, Any] = as_json()
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """zstd of the JSON object path -> text."""
    artifacts: dict[str, Any] = as_json()
    """zstd in base64, by kind."""
    created_at: datetime = utc()


class Review(SQLModel, table=True):
    """One review, from acceptance to report."""

    __tablename__ = "reviews"

    id: str = Field(primary_key=True, max_length=32)
    owner: str = Field(max_length=120)
    source_id: str = Field(foreign_key="sources.id", max_length=32)
    status: str = Field(max_length=20)
    idempotency_key: str | None = Field(default=None, max_length=255)
    request_hash: str = Field(max_length=64)
    review_order: dict[str, Any] = as_json()
    """The `ReviewOrder`: enough to start the process again."""
    report: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    partial: bool | None = None
    failure: str | None = Field(default=None, max_length=80)
    config_hash: str | None = Field(default=None, max_length=80)
    """Of the reviewer configuration; None: from before there were any."""
    background: bool = False
    """Made by an experiment or a trial: in no user's list, and started by nobody but its process."""
    created_at: datetime = utc()
    finished_at: datetime | None = utc(default=None)


class ExpertResult(SQLModel, table=True):
    """What one expert delivered in one review: attempt 0 is the static half, 1 and up are model attempts."""

    __tablename__ = "expert_results"

    review_id: str = Field(primary_key=True, foreign_key="reviews.id", max_length=32)
    expert: str = Field(primary_key=True, max_length=20)
    attempt: int = Field(primary_key=True)
    status: str = Field(max_length=20)
    findings: int = 0
    seconds: float = 0.0
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    started_at: datetime = utc()


class Finding(SQLModel, table=True):
    """One reported finding."""

    __tablename__ = "findings"

    review_id: str = Field(primary_key=True, foreign_key="reviews.id", max_length=32)
    fingerprint: str = Field(primary_key=True, max_length=32)
    rank: int
    kind: str = Field(max_length=80)
    cwe: str | None = Field(default=None, max_length=12)
    severity: str = Field(max_length=10)
    confidence: float
    path: str
    line_start: int
    line_end: int


class Route(SQLModel, table=True):
    """The routing decision of one expert in one review, with its inputs."""

    __tablename__ = "routes"

    review_id: str = Field(primary_key=True, foreign_key="reviews.id", max_length=32)
    expert: str = Field(primary_key=True, max_length=20)
    decision: dict[str, Any] = as_json()
    created_at: datetime = utc()

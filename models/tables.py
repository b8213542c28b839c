"""Rows of the database: columns only, no methods. Imported by `activities/storage` alone."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any

from sqlalchemy import Column, DateTime, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


def _utc(**options: Any) -> Any:
    return Field(sa_type=DateTime(timezone=True), **options)  # pyright: ignore[reportArgumentType, reportCallIssue]


class Source(SQLModel, table=True):
    """A source under review, stored once per owner by its content hash."""

    __tablename__ = "sources"

    id: str = Field(primary_key=True, max_length=32)
    owner: str = Field(max_length=120)
    content_hash: str = Field(max_length=64)
    manifest: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """zstd of the JSON object path -> text."""
    artifacts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """zstd in base64, by kind."""
    created_at: datetime = _utc()


class Review(SQLModel, table=True):
    """One review, from acceptance to report."""

    __tablename__ = "reviews"

    id: str = Field(primary_key=True, max_length=32)
    owner: str = Field(max_length=120)
    source_id: str = Field(foreign_key="sources.id", max_length=32)
    status: str = Field(max_length=20)
    idempotency_key: str | None = Field(default=None, max_length=255)
    request_hash: str = Field(max_length=64)
    review_order: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """The `ReviewOrder`: enough to start the process again."""
    report: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    partial: bool | None = None
    failure: str | None = Field(default=None, max_length=80)
    created_at: datetime = _utc()
    finished_at: datetime | None = _utc(default=None)


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
    started_at: datetime = _utc()


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


class PayloadKey(SQLModel, table=True):
    """A key of the Temporal payload codec, wrapped by the key service."""

    __tablename__ = "payload_keys"

    id: str = Field(primary_key=True, max_length=32)
    wrapped: str
    active: bool = True
    created_at: datetime = _utc()

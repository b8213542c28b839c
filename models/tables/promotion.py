"""What runs in production, what wants to, and what must not."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.columns import as_json, utc


class Version(SQLModel, table=True):
    """A configuration that is, or was, in production."""

    __tablename__ = "versions"

    id: str = Field(primary_key=True, max_length=32)
    number: int = Field(unique=True)
    config_hash: str = Field(max_length=80)
    config: dict[str, Any] = as_json()
    status: str = Field(max_length=20)
    experiment_id: str | None = Field(default=None, foreign_key="experiments.id", max_length=32)
    promotion_id: str | None = Field(default=None, max_length=32)
    promoted_by: str = Field(max_length=120)
    promoted_at: datetime = utc()


class Promotion(SQLModel, table=True):
    """A promotion that waits, or waited, for people."""

    __tablename__ = "promotions"

    id: str = Field(primary_key=True, max_length=32)
    experiment_id: str = Field(foreign_key="experiments.id", max_length=32)
    from_version_id: str | None = Field(default=None, foreign_key="versions.id", max_length=32)
    to_version_id: str | None = Field(default=None, foreign_key="versions.id", max_length=32)
    status: str = Field(max_length=20)
    reason: str = Field(max_length=400)
    evidence: dict[str, Any] = as_json()
    needed: int
    author: str = Field(max_length=120)
    requested_by: str = Field(max_length=120)
    requested_at: datetime = utc()
    expires_at: datetime = utc()
    approver_id: str | None = Field(default=None, max_length=120)
    """Whose word completed the number."""
    promoted_at: datetime | None = utc(default=None)
    refusal: str | None = Field(default=None, max_length=80)
    idempotency_key: str | None = Field(default=None, max_length=255)
    request_hash: str = Field(max_length=64)


class Approval(SQLModel, table=True):
    """One approver's word."""

    __tablename__ = "approvals"

    promotion_id: str = Field(primary_key=True, foreign_key="promotions.id", max_length=32)
    approver: str = Field(primary_key=True, max_length=120)
    vote: str = Field(max_length=10)
    evidence: dict[str, Any] = as_json()
    reason: str | None = Field(default=None, max_length=400)
    at: datetime = utc()


class Blacklist(SQLModel, table=True):
    """A quarantined configuration; released ones keep their row."""

    __tablename__ = "blacklist"

    id: str = Field(primary_key=True, max_length=32)
    config_hash: str = Field(unique=True, max_length=80)
    reason: str = Field(max_length=400)
    evidence: dict[str, Any] = as_json()
    quarantined_by: str = Field(max_length=120)
    quarantined_at: datetime = utc()
    review_status: str = Field(max_length=20)
    reviewed_by: str | None = Field(default=None, max_length=120)
    reviewed_at: datetime | None = utc(default=None)
    release_reason: str | None = Field(default=None, max_length=400)


class Trial(SQLModel, table=True):
    """A candidate that reviews a share of the live traffic in the background."""

    __tablename__ = "trials"

    id: str = Field(primary_key=True, max_length=32)
    experiment_id: str = Field(foreign_key="experiments.id", max_length=32)
    config: dict[str, Any] = as_json()
    config_hash: str = Field(max_length=80)
    share_percent: int
    status: str = Field(max_length=20)
    started_by: str = Field(max_length=120)
    started_at: datetime = utc()
    stopped_at: datetime | None = utc(default=None)
    reason: str | None = Field(default=None, max_length=400)


class TrialReview(SQLModel, table=True):
    """A live review and the candidate's of the same source."""

    __tablename__ = "trial_reviews"

    trial_id: str = Field(primary_key=True, foreign_key="trials.id", max_length=32)
    review_id: str = Field(primary_key=True, foreign_key="reviews.id", max_length=32)
    candidate_review_id: str = Field(foreign_key="reviews.id", unique=True, max_length=32)
    comparison: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    created_at: datetime = utc()
    compared_at: datetime | None = utc(default=None)

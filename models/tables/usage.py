"""What model calls cost, and how much they may."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import date as Day
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, LargeBinary, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.columns import as_json, usd, utc


class UserQuota(SQLModel, table=True):
    """Limits of one user; null is no limit."""

    __tablename__ = "user_quotas"

    user_id: str = Field(primary_key=True, max_length=120)
    daily_limit: int | None = None
    monthly_limit: int | None = None
    """Requests."""
    daily_cost_limit: Decimal | None = Field(default=None, sa_column=Column(Numeric(18, 6), nullable=True))
    monthly_cost_limit: Decimal | None = Field(default=None, sa_column=Column(Numeric(18, 6), nullable=True))
    """USD."""
    updated_at: datetime = utc()


class QuotaCounter(SQLModel, table=True):
    """What a user has used and set aside in one period: changed in the transaction that changes the ledger."""

    __tablename__ = "quota_counters"

    user_id: str = Field(primary_key=True, max_length=120)
    period: str = Field(primary_key=True, max_length=10)
    """`2026-11-26` or `2026-11`, UTC."""
    requests: int = 0
    spent_micro_usd: int = 0
    held_micro_usd: int = 0
    revision: int = 0
    """Rises with every change, so that a copy of these numbers knows whether it is older."""


class LedgerEntry(SQLModel, table=True):
    """One reservation and what became of it: the truth about money."""

    __tablename__ = "ledger"

    id: str = Field(primary_key=True, max_length=32)
    workflow_id: str = Field(max_length=120)
    step: str = Field(max_length=80)
    attempt: int
    delivery: int
    user_id: str = Field(max_length=120)
    review_id: str | None = Field(default=None, max_length=32)
    expert: str | None = Field(default=None, max_length=20)
    provider_id: str = Field(max_length=32)
    key_id: str | None = Field(default=None, max_length=32)
    state: str = Field(max_length=12)
    day: str = Field(max_length=10)
    reserved_micro_usd: int
    cost_micro_usd: int = 0
    price: dict[str, Any] = as_json()
    usage: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    useful: bool = True
    failure: str | None = Field(default=None, max_length=80)
    created_at: datetime = utc()
    ended_at: datetime | None = utc(default=None)


class ModelAnswer(SQLModel, table=True):
    """An answer that was paid for, encrypted and kept with its booking: after a crash it is read, not paid again."""

    __tablename__ = "model_answers"

    reservation_id: str = Field(primary_key=True, foreign_key="ledger.id", max_length=32)
    workflow_id: str = Field(max_length=120)
    step: str = Field(max_length=80)
    attempt: int
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = utc()


class UsageTracking(SQLModel, table=True):
    """Settled use per user and UTC day."""

    __tablename__ = "usage_tracking"

    user_id: str = Field(primary_key=True, max_length=120)
    date: Day = Field(primary_key=True)
    requests_count: int = 0
    tokens_used: int = 0
    cost_usd: Decimal = usd()


class CostAlert(SQLModel, table=True):
    """An alert and its delivery: the row is the outbox."""

    __tablename__ = "cost_alerts"

    id: str = Field(primary_key=True, max_length=32)
    user_id: str = Field(max_length=120)
    """Whom or what it is about: a user, a provider, a key."""
    alert_type: str = Field(max_length=30)
    period: str = Field(max_length=40)
    threshold_percentage: int = 0
    triggered_at: datetime = utc()
    delivered_at: datetime | None = utc(default=None)
    claimed_until: datetime | None = utc(default=None)
    """Until then one worker delivers it; when that one dies, another may."""
    delivery_attempts: int = 0
    delivered_to: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    """Fingerprints of the targets that have it."""
    acknowledged: bool = False
    acknowledged_by: str | None = Field(default=None, max_length=120)

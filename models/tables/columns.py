"""Columns that many tables have."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Column, DateTime, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field


def utc(**options: Any) -> Any:
    """A moment."""
    return Field(sa_type=DateTime(timezone=True), **options)  # pyright: ignore[reportArgumentType, reportCallIssue]


def usd() -> Any:
    """Money, exact to the micro-USD."""
    return Field(default=Decimal(0), sa_column=Column(Numeric(18, 6), nullable=False))


def as_json() -> Any:
    """A JSON document that is always there."""
    return Field(sa_column=Column(JSONB, nullable=False))

"""The audit chain."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from models.tables.columns import as_json, utc


class AuditEntry(SQLModel, table=True):
    """One link of the audit chain. Written by the database's `audit_append` alone."""

    __tablename__ = "audit_log"

    seq: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = utc()
    action: str = Field(max_length=40)
    actor: str = Field(max_length=120)
    subject: str = Field(max_length=120)
    data: dict[str, Any] = as_json()
    dedup: str | None = Field(default=None, unique=True, max_length=160)
    prev_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)

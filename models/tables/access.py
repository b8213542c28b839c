"""Who may ask the API, and what it answered."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.columns import as_json, utc


class Token(SQLModel, table=True):
    """A caller's token, known by its digest alone. Rows stay when tokens are revoked: what they did stays, too."""

    __tablename__ = "tokens"

    id: str = Field(primary_key=True, max_length=32)
    digest: str = Field(unique=True, max_length=64)
    """SHA-256 of the token; it has 256 random bits, so nothing slower is needed."""
    name: str = Field(max_length=80)
    owner: str = Field(max_length=120)
    roles: list[str] = as_json()
    scopes: list[str] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    """None: everything that the roles may do."""
    made_with: str | None = Field(default=None, foreign_key="tokens.id", max_length=32)
    """The token that was sent to make it, and is not outlived by it; None: one of the settings'."""
    created_by: str = Field(max_length=120)
    created_at: datetime = utc()
    expires_at: datetime = utc()
    last_used_at: datetime | None = utc(default=None)
    """To the minute."""
    revoked_at: datetime | None = utc(default=None)
    revoked_by: str | None = Field(default=None, max_length=120)


class IdempotentAnswer(SQLModel, table=True):
    """A request that had an Idempotency-Key, and what was answered to it."""

    __tablename__ = "idempotent_answers"

    id: str = Field(primary_key=True, max_length=64)
    """Digest of caller, method, path and key."""
    body_digest: str = Field(max_length=64)
    claim: str = Field(max_length=32)
    """Of whoever carries the request out."""
    claimed_at: datetime = utc()
    status: int | None = None
    """None: it is being carried out."""
    headers: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """None with a status: the answer held a secret."""

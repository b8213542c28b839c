"""Model providers, keys for them, and how they are."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.columns import utc


class Provider(SQLModel, table=True):
    """One model at one endpoint."""

    __tablename__ = "providers"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=60, unique=True)
    provider_type: str = Field(max_length=20)
    protocol: str = Field(max_length=30)
    model_name: str = Field(max_length=200)
    api_endpoint: str = Field(max_length=300)
    tier: str = Field(max_length=20)
    quality: float = 0.5
    is_active: bool = True
    is_platform_provided: bool = True
    needs_key: bool = True
    last_resort: bool = False
    cost_per_1k_tokens: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    """The `PriceOverride` (USD per million tokens, by kind); null: the price library's."""
    context_tokens: int
    max_tokens: int
    """Longest answer."""
    timeout_seconds: int = 120
    max_concurrency: int = 16
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    created_at: datetime = utc()
    updated_at: datetime = utc()


class UserProvider(SQLModel, table=True):
    """A key of a user or of the platform for one provider, encrypted under a data key of its own."""

    __tablename__ = "user_providers"

    id: str = Field(primary_key=True, max_length=32)
    user_id: str = Field(max_length=120)
    provider_id: str = Field(foreign_key="providers.id", max_length=32)
    provider_name: str = Field(max_length=60)
    provider_type: str = Field(max_length=20)
    model_name: str = Field(max_length=200)
    endpoint: str = Field(max_length=300)
    """The endpoint the key was given for; it goes nowhere else."""
    version: int = 1
    encrypted_api_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """nonce and ciphertext, AES-256-GCM."""
    encrypted_dek: str
    """The data key as the key service wrapped it."""
    key_service: str = Field(max_length=20)
    """`transit` or `aws-kms`."""
    key_last_4_chars: str = Field(max_length=4)
    state: str = Field(default="active", max_length=20)
    reason: str | None = Field(default=None, max_length=80)
    is_active: bool = True
    created_at: datetime = utc()
    rotated_at: datetime | None = utc(default=None)


class KeyVersion(SQLModel, table=True):
    """The newest version that a key ever had: an older row that somebody puts back is refused. Only rises."""

    __tablename__ = "key_versions"

    key_id: str = Field(primary_key=True, max_length=32)
    version: int


class ProviderHealth(SQLModel, table=True):
    """Where a provider stands."""

    __tablename__ = "provider_health"

    id: str = Field(primary_key=True, max_length=32)
    provider_id: str = Field(foreign_key="providers.id", unique=True, max_length=32)
    is_healthy: bool = True
    good_streak: int = 0
    last_check_at: datetime | None = utc(default=None)
    last_error: str | None = Field(default=None, max_length=80)
    consecutive_failures: int = 0
    response_time_ms: int | None = None
    success_rate: float | None = None

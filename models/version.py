"""Versions of the reviewer: which configuration is in production, and which were."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from models.reason import Reason
from models.reviewer_config import ConfigHash, ReviewerConfig
from models.wire import Wire


class Tier(StrEnum):
    """How far a configuration has come."""

    EXPERIMENTAL = "v1"
    STABLE = "v2"
    QUARANTINED = "v3"


class VersionStatus(StrEnum):
    """Where a version stands."""

    STABLE = "stable"
    """In production: at most one."""
    RETIRED = "retired"
    """It was; a rollback may bring it back."""
    ROLLED_BACK = "rolled_back"
    """It was, and a rollback took it away."""


class Version(Wire):
    """A configuration that is, or was, stable."""

    id: str
    number: int = Field(ge=1)
    """Counts up with every promotion."""
    config_hash: ConfigHash
    config: ReviewerConfig
    status: VersionStatus
    tier: Tier = Tier.STABLE
    experiment_id: str | None = None
    """None: the configuration that is shipped."""
    promotion_id: str | None = None
    promoted_by: str
    promoted_at: datetime


class VersionPage(Wire):
    """Some versions, newest first."""

    versions: tuple[Version, ...] = ()
    next_cursor: str | None = None


class RollbackRequest(Wire):
    """Body of `POST /versions/rollback`: the previous stable version comes back."""

    reason: Reason
    from_version_id: str | None = Field(default=None, max_length=32)
    """Only if this is the stable version: who asks twice goes back once. None: whichever is."""

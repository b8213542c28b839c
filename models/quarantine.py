"""Quarantine: configurations that may neither be tried nor used, until people release them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from models.reason import Reason
from models.reviewer_config import ConfigHash
from models.wire import Wire


class ReviewStatus(StrEnum):
    """What people have said of a quarantined configuration."""

    QUARANTINED = "quarantined"
    RELEASED = "released"


class Quarantine(Wire):
    """One row of the blacklist. Nothing is ever deleted: a released configuration keeps its row."""

    id: str
    config_hash: ConfigHash
    reason: str
    evidence: dict[str, Any] = {}
    """Ids, metrics and the gate's denials."""
    quarantined_by: str
    quarantined_at: datetime
    review_status: ReviewStatus = ReviewStatus.QUARANTINED
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    release_reason: str | None = None


class QuarantineRequest(Wire):
    """Body of `POST /experiments/{id}/quarantine`."""

    reason: Reason


class ReleaseRequest(Wire):
    """Body of `POST /blacklist/{hash}/release`; by an approver who did not quarantine it and is not its author."""

    reason: Reason


class BlacklistPage(Wire):
    """Some rows, newest first."""

    blacklist: tuple[Quarantine, ...] = ()
    next_cursor: str | None = None

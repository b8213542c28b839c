"""What is asked of the audit chain and what is answered."""

from pydantic import Field

from models.audit import AuditEntry, AuditVerdict, Checkpoint
from models.wire import Wire


class AuditPage(Wire):
    """Entries, newest first."""

    entries: tuple[AuditEntry, ...]
    next_cursor: str | None = None


class CheckpointRequest(Wire):
    """Asks for a checkpoint now; says nothing more."""


class CheckpointOrder(Wire):
    """One tick: write a checkpoint when it is due."""

    entries: int = Field(default=100, ge=1)
    """Due when this many entries are not vouched for,"""
    seconds: int = Field(default=3600, ge=0)
    """or when there are some and the last checkpoint is this old."""


class CheckpointReport(Wire):
    """What a tick did."""

    verdict: AuditVerdict
    """Of the entries since the last checkpoint."""
    written: Checkpoint | None = None

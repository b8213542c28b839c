"""The rows of trials."""

from typing import Any, cast

from sqlalchemy import Table, exists

from activities.storage.version_rows import BLACKLIST, VERSIONS
from models.audit import AuditAction, AuditEvent
from models.quarantine import ReviewStatus
from models.tables import Trial as TrialRow
from models.trial import Trial, TrialStatus
from models.trial_report import TrialReport
from models.version import VersionStatus

TRIALS = cast(Table, TrialRow.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

QUARANTINED = exists().where(
    BLACKLIST.c.config_hash == TRIALS.c.config_hash, BLACKLIST.c.review_status == ReviewStatus.QUARANTINED
)
IN_PRODUCTION = exists().where(
    VERSIONS.c.config_hash == TRIALS.c.config_hash, VERSIONS.c.status == VersionStatus.STABLE
)
RUNNING = TRIALS.c.status == TrialStatus.RUNNING


def event_of(action: AuditAction, by: str, trial_id: str, data: dict[str, Any]) -> AuditEvent:
    """What the audit chain says of a trial."""
    return AuditEvent(action=action, actor=by, subject=trial_id, data=data)


def trial_of(row: Any, report: TrialReport | None = None) -> Trial:
    """A row as the API has it."""
    return Trial(
        id=row.id,
        experiment_id=row.experiment_id,
        config_hash=row.config_hash,
        share_percent=row.share_percent,
        status=TrialStatus(row.status),
        started_by=row.started_by,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        reason=row.reason,
        report=report,
    )

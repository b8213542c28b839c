"""A promotion: a process that waits for people, bound to exactly what they approve."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from models.gate import PolicyHash
from models.reason import Reason
from models.reviewer_config import ConfigHash
from models.wire import Slug, Wire


class PromotionStatus(StrEnum):
    """Where a promotion stands."""

    AWAITING = "awaiting"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REFUSED = "refused"
    """Approved, but the gate no longer holds: stable, dataset, policy or blacklist changed meanwhile."""


class Evidence(Wire):
    """What approvers put their names to. If any of it changes, their word is void."""

    report_hash: Annotated[str, StringConstraints(pattern=r"^report:v1:sha256:[0-9a-f]{64}$")]
    config_hash: ConfigHash
    dataset_hash: Annotated[str, StringConstraints(pattern=r"^ds:v1:sha256:[0-9a-f]{64}$")]
    policy_hash: PolicyHash


class PromotionRequest(Wire):
    """Body of `POST /experiments/{id}/promote`."""

    reason: Reason


class ApprovalRequest(Wire):
    """Body of `POST /promotions/{id}/approve`: the evidence as the approver saw it."""

    evidence: Evidence
    reason: Reason | None = None


class RejectionRequest(Wire):
    """Body of `POST /promotions/{id}/reject`."""

    reason: Reason


class Vote(StrEnum):
    """An approver's word."""

    APPROVE = "approve"
    REJECT = "reject"


class Approval(Wire):
    """One stored, authorised word of one approver."""

    promotion_id: str
    approver: str
    vote: Vote
    evidence: Evidence
    reason: str | None = None
    at: datetime


class PromotionOrder(Wire):
    """Input of `PromotionWorkflow`."""

    promotion_id: str
    experiment_id: str
    author: str
    """Who made the experiment: never counts as an approver, nor does who asked for the promotion."""
    requested_by: str
    evidence: Evidence
    needed: int = Field(ge=1, le=10)
    """Distinct approvers."""
    requested_at: datetime
    expires_at: datetime
    remind_after_seconds: float = Field(default=86_400, gt=0)


class PromotionState(Wire):
    """Answer of the process's query and of its updates."""

    status: PromotionStatus
    needed: int
    approvers: tuple[str, ...] = ()
    refusal: Slug | None = None
    """Why it was refused, or what holds it up."""

    @property
    def ended(self) -> bool:
        """Whether nothing changes any more."""
        return self.status is not PromotionStatus.AWAITING


class ApprovalHint(Wire):
    """Argument of the process's update and signal. No more than a hint: what counts is what is stored."""

    approver: str
    evidence: Evidence


class SettleTask(Wire):
    """A look at a promotion: what is stored of it decides."""

    promotion_id: str
    expired: bool = False
    """Whether its time is over by the process's clock."""


class ReminderTask(Wire):
    """A promotion that still waits."""

    promotion_id: str
    elapsed_percent: int = Field(ge=0, le=99)
    """Of the time it has."""


class Promotion(Wire):
    """A promotion as the API shows it."""

    id: str
    experiment_id: str
    from_version_id: str | None = None
    to_version_id: str | None = None
    status: PromotionStatus
    reason: str
    evidence: Evidence
    needed: int
    approvals: tuple[Approval, ...] = ()
    author: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    promoted_at: datetime | None = None
    refusal: Slug | None = None
    workflow_id: str = ""
    workflow_url: str | None = None


class PromotionPage(Wire):
    """Some promotions, newest first."""

    promotions: tuple[Promotion, ...] = ()
    next_cursor: str | None = None

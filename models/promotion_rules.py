"""What may be promoted, whose word counts, and what makes it void. Pure: facts in, a code out."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from models.experiment import ExperimentStatus
from models.gate import Outcome
from models.promotion import Approval, Evidence, PromotionStatus, Vote
from models.verdict import Verdict
from models.wire import Wire


class Refusal(StrEnum):
    """Why something is not done. The API tells it, the audit chain keeps it."""

    NOT_PASSED = "not_passed"
    """The experiment did not pass its gate."""
    GATE_FAILED = "gate_failed"
    """Asked again at the end, the gate does not let it through: what is stable now may cost less."""
    OVERRIDDEN = "overridden"
    """A person said `fail`."""
    CONFIG_QUARANTINED = "config_quarantined"
    ALREADY_STABLE = "already_stable"
    """The configuration is in production as it is."""
    ALREADY_ASKED = "already_asked"
    """Another promotion of the experiment waits."""
    STABLE_CHANGED = "stable_changed"
    REPORT_CHANGED = "report_changed"
    CONFIG_CHANGED = "config_changed"
    DATASET_CHANGED = "dataset_changed"
    POLICY_CHANGED = "policy_changed"
    DECIDED = "promotion_decided"
    EXPIRED = "promotion_expired"
    EVIDENCE_CHANGED = "evidence_changed"
    """What the approver saw is not what is asked."""
    OWN_EXPERIMENT = "own_experiment"
    OWN_REQUEST = "own_request"
    ALREADY_VOTED = "already_voted"
    NOT_YOURS = "not_yours"
    """Only who asked, or the author, withdraws."""
    NO_PREVIOUS = "no_previous_version"
    PREVIOUS_QUARANTINED = "previous_quarantined"
    OWN_CONFIG = "own_config"
    """Who made a configuration does not release it."""
    OWN_QUARANTINE = "own_quarantine"
    """Nor does who put it there."""
    NOT_QUARANTINED = "not_quarantined"


class PromotionFacts(Wire):
    """Where everything that a promotion rests on stands now."""

    experiment_status: ExperimentStatus
    outcome: Outcome
    override: Verdict | None = None
    quarantined: bool
    evidence: Evidence
    """By what is stored now, the policy by its text now."""
    stable_version_id: str
    stable_config_hash: str


def promotable(facts: PromotionFacts) -> Refusal | None:
    """Why an experiment may not be promoted; None: it may."""
    if facts.quarantined:
        return Refusal.CONFIG_QUARANTINED
    if facts.experiment_status is not ExperimentStatus.PASSED or facts.outcome is not Outcome.PASS:
        return Refusal.NOT_PASSED
    if facts.override is Verdict.FAIL:
        return Refusal.OVERRIDDEN
    if facts.stable_config_hash == facts.evidence.config_hash:
        return Refusal.ALREADY_STABLE
    return None


def void(asked: Evidence, from_version_id: str | None, facts: PromotionFacts) -> Refusal | None:
    """Why approvals of `asked` do not count any more; None: they do."""
    if facts.stable_version_id != from_version_id:
        return Refusal.STABLE_CHANGED
    now = facts.evidence
    for changed, refusal in (
        (asked.config_hash != now.config_hash, Refusal.CONFIG_CHANGED),
        (asked.dataset_hash != now.dataset_hash, Refusal.DATASET_CHANGED),
        (asked.policy_hash != now.policy_hash, Refusal.POLICY_CHANGED),
        (asked.report_hash != now.report_hash, Refusal.REPORT_CHANGED),
    ):
        if changed:
            return refusal
    return promotable(facts)


def objection(
    voter: str,
    seen: Evidence,
    *,
    status: PromotionStatus,
    asked: Evidence,
    author: str,
    requested_by: str,
    voted: Iterable[str],
    expired: bool,
) -> Refusal | None:
    """Why a person's word does not count; None: it does."""
    if status is not PromotionStatus.AWAITING:
        return Refusal.DECIDED
    if expired:
        return Refusal.EXPIRED
    if voter == author:
        return Refusal.OWN_EXPERIMENT
    if voter == requested_by:
        return Refusal.OWN_REQUEST
    if seen != asked:
        return Refusal.EVIDENCE_CHANGED
    if voter in voted:
        return Refusal.ALREADY_VOTED
    return None


def counted(
    approvals: Iterable[Approval], *, asked: Evidence, author: str, requested_by: str, expires_at: datetime
) -> tuple[str, ...]:
    """Approvers whose stored word counts, each once, in the order of their words."""
    good = (
        each.approver
        for each in sorted(approvals, key=lambda each: (each.at, each.approver))
        if each.vote is Vote.APPROVE
        and each.evidence == asked
        and each.approver not in (author, requested_by)
        and each.at < expires_at
    )
    return tuple(dict.fromkeys(good))

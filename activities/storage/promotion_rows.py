"""The rows of promotions and approvals, and what a promotion rests on."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from activities.experiment_ports import ExperimentUnknown, PromotionUnknown
from activities.storage.experiment_rows import evaluation_of
from models.experiment import Bar, ExperimentStatus
from models.gate import PolicyHash, PolicyName
from models.promotion import Approval, Evidence, Promotion, PromotionStatus, Vote
from models.promotion_rules import PromotionFacts
from models.report_hash import report_hash
from models.reviewer_config import ReviewerConfig, config_hash
from models.tables import Approval as ApprovalRow
from models.tables import Evaluation as EvaluationRow
from models.tables import Promotion as PromotionRow

PROMOTIONS = cast(Table, PromotionRow.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
APPROVALS = cast(Table, ApprovalRow.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

PolicyHashOf = Callable[[PolicyName], PolicyHash]
"""Names a policy's present text."""

GROUNDS = text(
    """
    SELECT e.status, e.config, e.bar, e.created_by, d.content_hash, s.id AS stable_id,
        s.config_hash AS stable_config_hash, v.metrics, v.ai_verdict, v.ai_confidence, v.ai_reasons, v.judged_by,
        v.human_override, v.override_reason, v.evaluated_by, v.decision, v.report_hash, v.evaluated_at,
        EXISTS (
            SELECT FROM blacklist b WHERE b.config_hash = e.config_hash AND b.review_status = 'quarantined'
        ) AS quarantined
    FROM experiments e
    JOIN datasets d ON d.id = e.dataset_id
    JOIN versions s ON s.status = 'stable'
    LEFT JOIN evaluations v ON v.experiment_id = e.id
    WHERE e.id = :experiment
    FOR UPDATE OF e
    """
)

STORED = text(
    """
    SELECT a.* FROM approvals a
    JOIN audit_log l ON l.dedup = 'vote:' || a.promotion_id || ':' || a.approver
        AND l.action = 'promotion_approved' AND l.actor = a.approver AND l.data -> 'evidence' = a.evidence
    WHERE a.promotion_id = :promotion AND a.vote = 'approve'
    ORDER BY a.at, a.approver
    """
)
"""Approvals that were given by the service: a row alone, without its entry on the audit chain, is nobody's word."""


class Grounds(NamedTuple):
    """What a promotion rests on."""

    config: ReviewerConfig
    author: str
    asked: Evidence | None
    """By the bar that was fixed before the first sample; None: nothing was measured."""
    facts: PromotionFacts | None
    """As it is now; hashes are made anew of what is stored, so that nothing changes behind them."""
    stable_id: str


async def grounds_in(session: AsyncSession, experiment_id: str, hash_of: PolicyHashOf) -> Grounds:
    """Read what a promotion of an experiment rests on, and lock the experiment.

    Raises:
        ExperimentUnknown: there is none.
    """
    row = (await session.execute(GROUNDS, {"experiment": experiment_id})).first()
    if row is None:
        raise ExperimentUnknown
    config = ReviewerConfig.model_validate(row.config)
    if row.bar is None or row.report_hash is None:
        return Grounds(config, row.created_by, None, None, row.stable_id)
    bar = Bar.model_validate(row.bar)
    evaluation = evaluation_of(cast(EvaluationRow, row))
    asked = Evidence(
        report_hash=evaluation.report_hash,
        config_hash=bar.config_hash,
        dataset_hash=bar.dataset_hash,
        policy_hash=bar.policy_hash,
    )
    facts = PromotionFacts(
        experiment_status=ExperimentStatus(row.status),
        outcome=evaluation.decision.outcome,
        override=evaluation.override and evaluation.override.verdict,
        quarantined=row.quarantined,
        evidence=Evidence(
            report_hash=report_hash(evaluation.metrics, evaluation.ai, evaluation.decision, evaluation.override),
            config_hash=config_hash(config),
            dataset_hash=row.content_hash,
            policy_hash=hash_of(bar.policy),
        ),
        stable_version_id=row.stable_id,
        stable_config_hash=row.stable_config_hash,
    )
    return Grounds(config, row.created_by, asked, facts, row.stable_id)


async def locked_in(session: AsyncSession, promotion_id: str) -> Any:
    """The row of a promotion, held until the end of the transaction.

    Raises:
        PromotionUnknown: there is none.
    """
    query = select(PROMOTIONS).where(PROMOTIONS.c.id == promotion_id).with_for_update()
    row = (await session.execute(query)).first()
    if row is None:
        raise PromotionUnknown
    return row


async def stored_in(session: AsyncSession, promotion_id: str) -> list[Approval]:
    """Approvals of a promotion whose entries are on the audit chain."""
    rows = (await session.execute(STORED, {"promotion": promotion_id})).all()
    return [approval_of(row) for row in rows]


OF_PROMOTIONS: Select[Any] = (
    select(APPROVALS)
    .where(APPROVALS.c.promotion_id.in_(bindparam("promotions", expanding=True)))
    .order_by(APPROVALS.c.at, APPROVALS.c.approver)
)


def approval_of(row: Any) -> Approval:
    """An approver's word."""
    return Approval(
        promotion_id=row.promotion_id,
        approver=row.approver,
        vote=Vote(row.vote),
        evidence=Evidence.model_validate(row.evidence),
        reason=row.reason,
        at=row.at,
    )


def promotion_of(row: Any, approvals: Iterable[Approval]) -> Promotion:
    """A promotion, without where its process is."""
    return Promotion(
        id=row.id,
        experiment_id=row.experiment_id,
        from_version_id=row.from_version_id,
        to_version_id=row.to_version_id,
        status=PromotionStatus(row.status),
        reason=row.reason,
        evidence=Evidence.model_validate(row.evidence),
        needed=row.needed,
        approvals=tuple(each for each in approvals if each.promotion_id == row.id),
        author=row.author,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        promoted_at=row.promoted_at,
        refusal=row.refusal,
    )

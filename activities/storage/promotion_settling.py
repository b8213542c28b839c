"""The end of a promotion: one transaction that looks at what is stored and moves what is to move, or nothing."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.storage.audit import append_in
from activities.storage.promotion_rows import PROMOTIONS, Grounds, PolicyHashOf, grounds_in, locked_in, stored_in
from activities.storage.version_rows import add_stable_in, lock_in
from models.audit import AuditAction, AuditEvent
from models.gate import Decision, Outcome
from models.promotion import Evidence, PromotionState, PromotionStatus
from models.promotion_rules import Refusal, counted, void

RETIRE = text("UPDATE versions SET status = 'retired' WHERE id = :version")
PROMOTED = text("UPDATE experiments SET status = 'promoted' WHERE id = :experiment")

ACTIONS = {
    PromotionStatus.APPLIED: AuditAction.PROMOTION_APPLIED,
    PromotionStatus.REFUSED: AuditAction.PROMOTION_REFUSED,
    PromotionStatus.EXPIRED: AuditAction.PROMOTION_EXPIRED,
}


async def settle_in(
    session: AsyncSession, promotion_id: str, hash_of: PolicyHashOf, *, expired: bool, gated: Decision | None
) -> PromotionState:
    """Apply, refuse or end a promotion if it is time; else leave it as it is. Repeating it changes nothing.

    What expired is not applied, whatever is stored: nobody is asked too late.

    Raises:
        PromotionUnknown: there is none.
    """
    await lock_in(session)
    row = await locked_in(session, promotion_id)
    approvers = await approvers_in(session, row)
    status, refusal = PromotionStatus(row.status), row.refusal
    if status is PromotionStatus.AWAITING:
        if expired or datetime.now(UTC) >= row.expires_at:
            status = await _ended(session, row, PromotionStatus.EXPIRED)
        elif len(approvers) >= row.needed:
            grounds = await grounds_in(session, row.experiment_id, hash_of)
            refusal = _refusal(row, grounds, gated)
            said = {"gate_outcome": gated.outcome.value, "gate_input": gated.input_hash} if gated else {}
            if refusal is not None:
                status = await _ended(session, row, PromotionStatus.REFUSED, refusal, said)
            elif gated is not None:
                status = await _applied(session, row, grounds, approvers, said)
    return PromotionState(status=status, needed=row.needed, approvers=approvers, refusal=refusal)


async def approvers_in(session: AsyncSession, row: Any) -> tuple[str, ...]:
    """Whose approvals of a promotion count."""
    return counted(
        await stored_in(session, row.id),
        asked=Evidence.model_validate(row.evidence),
        author=row.author,
        requested_by=row.requested_by,
        expires_at=row.expires_at,
    )


def _refusal(row: Any, grounds: Grounds, gated: Decision | None) -> Refusal | None:
    if grounds.facts is None:
        return Refusal.NOT_PASSED
    changed = void(Evidence.model_validate(row.evidence), row.from_version_id, grounds.facts)
    if changed is not None:
        return changed
    return Refusal.GATE_FAILED if gated is not None and gated.outcome is not Outcome.PASS else None


async def _applied(
    session: AsyncSession, row: Any, grounds: Grounds, approvers: tuple[str, ...], said: dict[str, Any]
) -> PromotionStatus:
    now, version_id, last = datetime.now(UTC), uuid4().hex, approvers[int(row.needed) - 1]
    await session.execute(RETIRE, {"version": grounds.stable_id})
    new = {"id": version_id, "experiment_id": row.experiment_id, "promotion_id": row.id}
    number = await add_stable_in(session, new, grounds.config, grounds.author, last, now)
    await session.execute(PROMOTED, {"experiment": row.experiment_id})
    said = said | {"version": number, "version_id": version_id, "approvers": list(approvers)}
    changes = {"to_version_id": version_id, "approver_id": last, "promoted_at": now}
    return await _ended(session, row, PromotionStatus.APPLIED, said=said, changes=changes)


async def _ended(
    session: AsyncSession,
    row: Any,
    status: PromotionStatus,
    refusal: Refusal | None = None,
    said: dict[str, Any] | None = None,
    changes: dict[str, Any] | None = None,
) -> PromotionStatus:
    values = {"status": status.value, "refusal": refusal and refusal.value, **(changes or {})}
    await session.execute(update(PROMOTIONS).where(PROMOTIONS.c.id == row.id).values(values))
    data = {"experiment_id": row.experiment_id, "evidence": row.evidence, **(said or {})}
    if refusal is not None:
        data["refusal"] = refusal.value
    event = AuditEvent(
        action=ACTIONS[status], actor="conclave", subject=row.id, data=data, dedup=f"promotion-ended:{row.id}"
    )
    await append_in(session, event)
    return status

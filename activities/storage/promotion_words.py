"""What people ask and say of promotions: each in one transaction with its audit entry, refusals included."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from activities.promotion_ports import Terms, Word
from activities.storage.audit import append_in
from activities.storage.promotion_rows import (
    APPROVALS,
    PROMOTIONS,
    Grounds,
    PolicyHashOf,
    grounds_in,
    locked_in,
    stored_in,
)
from activities.storage.version_rows import lock_in
from models.audit import AuditAction, AuditEvent
from models.promotion import Approval, Evidence, PromotionStatus, Vote
from models.promotion_rules import Refusal, objection, void


class Asked(NamedTuple):
    """What came of asking for a promotion."""

    row: Any
    """The promotion's; None: it was refused."""
    fresh: bool
    refusal: Refusal | None = None


async def request_in(
    session: AsyncSession, experiment_id: str, reason: str, by: str, terms: Terms, hash_of: PolicyHashOf
) -> Asked:
    """Ask for a promotion; the same key again gives what came of it first.

    Raises:
        ExperimentUnknown: there is no such experiment.
    """
    await lock_in(session)
    keyed = select(PROMOTIONS).where(PROMOTIONS.c.requested_by == by, PROMOTIONS.c.idempotency_key == terms.request_key)
    if terms.request_key is not None and (earlier := (await session.execute(keyed)).first()) is not None:
        return Asked(earlier, False)
    grounds = await grounds_in(session, experiment_id, hash_of)
    refusal = await _not_to_be_asked(session, experiment_id, grounds)
    evidence = grounds.asked and grounds.asked.model_dump(mode="json")
    said = {"experiment_id": experiment_id, "reason": reason, "evidence": evidence, "needed": terms.needed}
    if refusal is not None:
        await _tell(session, AuditAction.PROMOTION_REFUSED, by, experiment_id, said | {"refusal": refusal.value})
        return Asked(None, False, refusal)
    now = datetime.now(UTC)
    row = {
        "id": uuid4().hex,
        "experiment_id": experiment_id,
        "from_version_id": grounds.stable_id,
        "status": PromotionStatus.AWAITING.value,
        "reason": reason,
        "evidence": evidence,
        "needed": terms.needed,
        "author": grounds.author,
        "requested_by": by,
        "requested_at": now,
        "expires_at": now + terms.lifetime,
        "idempotency_key": terms.request_key,
        "request_hash": terms.request_hash,
    }
    stored = (await session.execute(insert(PROMOTIONS).values(row).returning(PROMOTIONS))).one()
    await _tell(session, AuditAction.PROMOTION_REQUESTED, by, stored.id, said)
    return Asked(stored, True)


async def vote_in(session: AsyncSession, word: Word) -> Refusal | None:
    """Store an approver's word, or say why it does not count. A rejection ends the promotion at once.

    The same approval again changes nothing, and is nothing to be refused for.

    Raises:
        PromotionUnknown: there is none.
    """
    row = await locked_in(session, word.promotion_id)
    now, asked = datetime.now(UTC), Evidence.model_validate(row.evidence)
    seen, said_before = word.seen or asked, await stored_in(session, row.id)
    if _repeats(word, seen, asked, said_before) and row.status in (PromotionStatus.AWAITING, PromotionStatus.APPLIED):
        return None
    refusal = objection(
        word.by,
        seen,
        status=PromotionStatus(row.status),
        asked=asked,
        author=row.author,
        requested_by=row.requested_by,
        # Who approved may still reject.
        voted=() if word.vote is Vote.REJECT else [each.approver for each in said_before],
        expired=now >= row.expires_at,
    )
    said = {"experiment_id": row.experiment_id, "evidence": seen.model_dump(mode="json"), "reason": word.reason}
    if refusal is not None:
        told = said | {"vote": word.vote.value, "refusal": refusal.value}
        await _tell(session, AuditAction.PROMOTION_REFUSED, word.by, row.id, told)
        return refusal
    value = {"vote": word.vote.value, "evidence": said["evidence"], "reason": word.reason, "at": now}
    new = insert(APPROVALS).values(promotion_id=row.id, approver=word.by, **value)
    await session.execute(new.on_conflict_do_update(index_elements=["promotion_id", "approver"], set_=value))
    if word.vote is Vote.APPROVE:
        await _tell(session, AuditAction.PROMOTION_APPROVED, word.by, row.id, said, f"vote:{row.id}:{word.by}")
    else:
        await _end(session, row.id, PromotionStatus.REJECTED)
        await _tell(session, AuditAction.PROMOTION_REJECTED, word.by, row.id, said)
    return None


def _repeats(word: Word, seen: Evidence, asked: Evidence, stored: Sequence[Approval]) -> bool:
    """Whether an approval of the same evidence by the same person counts already: said twice it counts once."""
    mine = any(each.approver == word.by and each.vote is Vote.APPROVE and each.evidence == asked for each in stored)
    return word.vote is Vote.APPROVE and seen == asked and mine


async def withdraw_in(session: AsyncSession, promotion_id: str, by: str, *, anyones: bool) -> Refusal | None:
    """Take a promotion back, or say why not.

    Raises:
        PromotionUnknown: there is none.
    """
    row = await locked_in(session, promotion_id)
    refusal = None
    if row.status != PromotionStatus.AWAITING:
        refusal = Refusal.DECIDED
    elif not anyones and by not in (row.author, row.requested_by):
        refusal = Refusal.NOT_YOURS
    said: dict[str, Any] = {"experiment_id": row.experiment_id}
    if refusal is not None:
        told = said | {"withdraw": True, "refusal": refusal.value}
        await _tell(session, AuditAction.PROMOTION_REFUSED, by, row.id, told)
        return refusal
    await _end(session, row.id, PromotionStatus.WITHDRAWN)
    await _tell(session, AuditAction.PROMOTION_WITHDRAWN, by, row.id, said)
    return None


async def _not_to_be_asked(session: AsyncSession, experiment_id: str, grounds: Grounds) -> Refusal | None:
    if grounds.asked is None or grounds.facts is None:
        return Refusal.NOT_PASSED
    waiting = select(PROMOTIONS.c.id).where(
        PROMOTIONS.c.experiment_id == experiment_id, PROMOTIONS.c.status == PromotionStatus.AWAITING
    )
    if (await session.execute(waiting)).first() is not None:
        return Refusal.ALREADY_ASKED
    return void(grounds.asked, grounds.stable_id, grounds.facts)


async def _end(session: AsyncSession, promotion_id: str, status: PromotionStatus) -> None:
    await session.execute(update(PROMOTIONS).where(PROMOTIONS.c.id == promotion_id).values(status=status.value))


async def _tell(
    session: AsyncSession,
    action: AuditAction,
    actor: str,
    subject: str,
    data: dict[str, Any],
    dedup: str | None = None,
) -> None:
    await append_in(session, AuditEvent(action=action, actor=actor, subject=subject, data=data, dedup=dedup))

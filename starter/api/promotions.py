"""Promotions: asked for by operators, decided by approvers, carried out by a durable process."""

import hashlib
import logging
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Query, Response
from temporalio.service import RPCError

from activities.experiment_ports import ChangeRefused, ExperimentUnknown, PromotionUnknown
from activities.idempotency_ports import BodyDiffers
from activities.promotion_ports import Terms, Word
from models.access import Action
from models.audit import AuditAction, AuditEvent
from models.ids import ID, promotion_workflow_id
from models.measuring import of_promotion
from models.promotion import (
    ApprovalRequest,
    Promotion,
    PromotionPage,
    PromotionRequest,
    PromotionStatus,
    RejectionRequest,
    Vote,
)
from starter.api import cursors, routing
from starter.api.auth import may, whether
from starter.api.body import JsonBody, NoBody
from starter.api.idempotency import SentKey
from starter.api.state import ApiState, State
from starter.promotions import start_promotion, tell_approval, tell_change

router = routing.router("promotions")
log = logging.getLogger("conclave.api")

Reader = Annotated[str, may(Action.PROMOTIONS_READ)]
Requester = Annotated[str, may(Action.PROMOTIONS_REQUEST)]
Decider = Annotated[str, may(Action.PROMOTIONS_DECIDE)]
Withdrawer = Annotated[str, may(Action.PROMOTIONS_WITHDRAW)]
WithdrawsAll = Annotated[bool, whether(Action.PROMOTIONS_WITHDRAW_ALL)]

MAX_BODY_BYTES = 16 * 1024


@router.post("/experiments/{experiment_id}/promote", status_code=202)
async def ask_for_promotion(
    experiment_id: str,
    response: Response,
    owner: Requester,
    key: SentKey,
    state: State,
    body: Annotated[PromotionRequest, Depends(JsonBody(PromotionRequest, MAX_BODY_BYTES))],
) -> Promotion:
    """Ask for an experiment's configuration to become the stable one. It waits for approvers, then expires."""
    if not ID.match(experiment_id):
        raise ExperimentUnknown
    settings = state.services.settings
    terms = Terms(
        needed=settings.approvals_needed,
        lifetime=timedelta(days=settings.promotion_days),
        request_hash=hashlib.sha256(f"{experiment_id} {body.model_dump_json()}".encode()).hexdigest(),
        request_key=key,
    )
    hash_of = state.services.versions.policies.hash_of
    found = await state.services.versions.promotions.request(experiment_id, body.reason, owner, terms, hash_of)
    response.headers["Location"] = f"/promotions/{found.promotion.id}"
    if not found.fresh:
        if found.request_hash != terms.request_hash:
            raise BodyDiffers
        response.headers["Idempotent-Replayed"] = "true"
        return view_of(found.promotion, state)
    state.services.telemetry.meters.note([of_promotion(PromotionStatus.AWAITING)])
    try:
        await start_promotion(state.services.temporal, settings.task_queue, found.promotion)
    except RPCError:
        # The row is kept: the reconciler starts it as soon as Temporal answers again.
        log.warning("promotion_start_deferred promotion_id=%s", found.promotion.id)
    return view_of(found.promotion, state)


@router.get("/promotions")
async def list_promotions(
    _owner: Reader,
    state: State,
    status: Annotated[PromotionStatus | None, Query()] = None,
    cursor: cursors.Cursor = None,
    page_size: cursors.PageSize = 50,
) -> PromotionPage:
    """Promotions, newest first."""
    found = await state.services.versions.promotions.page(cursors.moment_of(cursor), page_size + 1, status)
    shown, following = cursors.cut(found, page_size, lambda row: cursors.of_moment(row.requested_at, row.id))
    return PromotionPage(promotions=tuple(view_of(each, state) for each in shown), next_cursor=following)


@router.get("/promotions/{promotion_id}")
async def read_promotion(promotion_id: str, _owner: Reader, state: State) -> Promotion:
    """One promotion: what is asked, on which evidence, and who has said what."""
    return view_of(await state.services.versions.promotions.get(_known(promotion_id)), state)


@router.post("/promotions/{promotion_id}/approve")
async def approve(
    promotion_id: str,
    owner: Decider,
    state: State,
    body: Annotated[ApprovalRequest, Depends(JsonBody(ApprovalRequest, MAX_BODY_BYTES))],
) -> Promotion:
    """Approve exactly the evidence that is sent. With enough approvals the promotion is applied, or refused if what
    it rests on has changed; `status` says which.
    """
    word = Word(_known(promotion_id), owner, Vote.APPROVE, body.evidence, body.reason)
    promotion = await state.services.versions.promotions.vote(word)
    services = state.services
    refusal = await tell_approval(services.temporal, services.settings.task_queue, promotion, owner)
    if refusal is not None:
        event = AuditEvent(
            action=AuditAction.PROMOTION_REFUSED,
            actor=owner,
            subject=promotion_id,
            data={"refusal": refusal.value, "by": "process"},
        )
        await services.versions.audit.append(event)
        raise ChangeRefused(refusal)
    return view_of(await state.services.versions.promotions.get(promotion_id), state)


@router.post("/promotions/{promotion_id}/reject")
async def reject(
    promotion_id: str,
    owner: Decider,
    state: State,
    body: Annotated[RejectionRequest, Depends(JsonBody(RejectionRequest, MAX_BODY_BYTES))],
) -> Promotion:
    """Reject a promotion: one approver's word ends it."""
    promotion = await state.services.versions.promotions.vote(
        Word(_known(promotion_id), owner, Vote.REJECT, reason=body.reason)
    )
    return await _ended(promotion, state)


@router.post("/promotions/{promotion_id}/withdraw")
async def withdraw(
    promotion_id: str, owner: Withdrawer, anyones: WithdrawsAll, state: State, _body: NoBody
) -> Promotion:
    """Take a promotion back: for who asked, the experiment's author and administrators."""
    store = state.services.versions.promotions
    return await _ended(await store.withdraw(_known(promotion_id), owner, anyones=anyones), state)


async def _ended(promotion: Promotion, state: ApiState) -> Promotion:
    await tell_change(state.services.temporal, state.services.settings.task_queue, promotion)
    return view_of(promotion, state)


def _known(promotion_id: str) -> str:
    if not ID.match(promotion_id):
        raise PromotionUnknown
    return promotion_id


def view_of(promotion: Promotion, state: ApiState) -> Promotion:
    """A promotion with the place of its process."""
    settings, workflow_id = state.services.settings, promotion_workflow_id(promotion.id)
    ui = settings.temporal_ui_url
    url = f"{ui.rstrip('/')}/namespaces/{settings.temporal_namespace}/workflows/{workflow_id}" if ui else None
    return promotion.model_copy(update={"workflow_id": workflow_id, "workflow_url": url})

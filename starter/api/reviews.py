"""Submitting reviews and reading how they go."""

import base64
import binascii
import hashlib
import logging
import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sse_starlette import EventSourceResponse
from temporalio.service import RPCError

from activities.reports.formats import FORMATS
from models.errors import InvalidInput
from models.ids import ID, analysis_queue, models_queue, review_workflow_id
from models.order import ReviewOrder
from models.review import ExpertStatus, ReviewReport, ReviewStatus
from models.submission import ExpertView, ReviewSubmission, ReviewView, order_of
from models.tables import Review
from models.wire import Wire
from starter.api.auth import Caller
from starter.api.body import parsed
from starter.api.events import review_events
from starter.api.panel_models import check_quota, models_routed
from starter.api.production import production_config
from starter.api.state import ApiState, State
from starter.reviews import start_review
from starter.trials import shadow

router = APIRouter(tags=["reviews"])
log = logging.getLogger("conclave.api")

MAX_SUBMISSION_BYTES = 64 * 1024
MAX_KEY_LENGTH = 255


class ReviewPage(Wire):
    """Some reviews, newest first."""

    reviews: tuple[ReviewView, ...] = Field(default=())
    next_cursor: str | None = None
    """Pass as `cursor` for the next page; None at the end."""


@router.post("/reviews", status_code=202, response_model=ReviewView)
async def submit_review(request: Request, response: Response, owner: Caller, state: State) -> ReviewView:
    """Accept a review of a stored source. It runs on whatever becomes of this connection."""
    key = idempotency_key(request)
    submission = await parsed(request, ReviewSubmission, MAX_SUBMISSION_BYTES)
    manifest = await state.services.sources.manifest(owner, submission.source_id)
    config = await production_config(state)
    await check_quota(submission, owner, state.services.providers, config.models)
    prefix = state.services.settings.task_queue
    order = order_of(
        submission,
        manifest,
        review_id=uuid.uuid4().hex,
        config=config,
        models_routed=await models_routed(submission, owner, state.services.providers, config.models),
        owner=owner,
        analysis_queue=analysis_queue(prefix),
        models_queue=models_queue(prefix),
    )
    digest = hashlib.sha256(submission.model_dump_json().encode()).hexdigest()
    row, fresh = await state.services.reviews.accept(owner, order, digest, key)
    if not fresh:
        if row.request_hash != digest:
            raise InvalidInput(
                "idempotency_mismatch", "This Idempotency-Key came before with another body; use a new key."
            )
        response.headers["Idempotent-Replayed"] = "true"
        return await view_of(row, state)
    try:
        await start_review(state.services.temporal, prefix, order)
    except RPCError:
        # The row is kept: the reconciler starts it as soon as Temporal answers again.
        log.warning("review_start_deferred review_id=%s", order.review_id)
    await shadow(state.services, order, submission, manifest)
    response.headers["Location"] = f"/reviews/{row.id}"
    return await view_of(row, state)


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header; without one every request is a new review.

    Raises:
        InvalidInput: too long, or not printable ASCII.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and (not key or len(key) > MAX_KEY_LENGTH or not (key.isascii() and key.isprintable())):
        raise InvalidInput(
            "invalid_idempotency_key", f"Idempotency-Key takes 1 to {MAX_KEY_LENGTH} printable ASCII characters.", 400
        )
    return key


@router.get("/reviews")
async def list_reviews(
    owner: Caller,
    state: State,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ReviewPage:
    """The caller's reviews, newest first."""
    rows = await state.services.reviews.page(owner, _position(cursor), page_size + 1)
    shown = rows[:page_size]
    following = _cursor(shown[-1]) if len(rows) > page_size else None
    return ReviewPage(reviews=tuple([await view_of(row, state) for row in shown]), next_cursor=following)


def _cursor(row: Review) -> str:
    return base64.urlsafe_b64encode(f"{row.created_at.isoformat()} {row.id}".encode()).decode()


def _position(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    try:
        at, _, review_id = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not ID.match(review_id):
            raise ValueError
        # The database counts in UTC, in which the first and the last day of other zones do not exist.
        position = moment.astimezone(UTC)
    except (ValueError, OverflowError, binascii.Error):
        raise InvalidInput(
            "invalid_cursor", "`cursor` is not one that this API gave; start without one.", 400
        ) from None
    return position, review_id


@router.get("/reviews/{review_id}")
async def read_review(review_id: str, owner: Caller, state: State) -> ReviewView:
    """How a review goes."""
    return await view_of(await state.services.reviews.get(owner, review_id), state)


@router.get("/reviews/{review_id}/events")
async def follow_review(review_id: str, request: Request, owner: Caller, state: State) -> EventSourceResponse:
    """The review as server-sent events: `progress` at every change, `ended` once at the end."""
    await state.services.reviews.get(owner, review_id)

    async def look() -> ReviewView:
        return await view_of(await state.services.reviews.get(owner, review_id), state)

    return EventSourceResponse(review_events(look, request.is_disconnected))


@router.get("/reviews/{review_id}/report")
async def read_report(
    review_id: str,
    owner: Caller,
    state: State,
    format: Annotated[Literal["json", "sarif", "markdown", "html"], Query()] = "json",
) -> Response:
    """The report, in one of its formats."""
    row = await state.services.reviews.get(owner, review_id)
    if row.report is None:
        raise InvalidInput("report_not_ready", "The review has no report (yet); read its status.", 409)
    media_type, _, render = FORMATS[format]
    return Response(render(ReviewReport.model_validate(row.report)), media_type=media_type)


async def view_of(row: Review, state: ApiState) -> ReviewView:
    """A review as the API shows it."""
    order = ReviewOrder.model_validate(row.review_order)
    begun = await state.services.reviews.progress(row.id)
    waiting = ExpertView(status=ExpertStatus.WAITING)
    experts = {
        name: ExpertView(status=begun[name].status, findings=begun[name].findings, seconds=begun[name].seconds)
        if name in begun
        else waiting
        for name in order.experts
    }
    ui = state.services.settings.temporal_ui_url
    workflow_id = review_workflow_id(row.id)
    namespace = state.services.settings.temporal_namespace
    return ReviewView(
        id=row.id,
        status=ReviewStatus(row.status),
        label=order.label,
        mode=order.mode,
        experts=experts,
        complexity=order.complexity,
        failure=row.failure,
        partial=row.partial,
        config_hash=row.config_hash,
        workflow_id=workflow_id,
        workflow_url=f"{ui.rstrip('/')}/namespaces/{namespace}/workflows/{workflow_id}" if ui else None,
        created_at=row.created_at.isoformat(),
        finished_at=row.finished_at.isoformat() if row.finished_at else None,
    )

"""Submitting reviews and reading how they go."""

import hashlib
import logging
import uuid
from typing import Annotated, Literal

from fastapi import Depends, Query, Request, Response
from pydantic import Field
from sse_starlette import EventSourceResponse
from temporalio.service import RPCError

from activities.idempotency_ports import BodyDiffers
from activities.reports.formats import FORMATS
from models.access import Action
from models.admission import OpenReviews
from models.errors import InvalidInput
from models.ids import analysis_queue, models_queue, review_workflow_id
from models.measuring import of_order
from models.order import ReviewOrder
from models.review import ExpertStatus, ReviewReport, ReviewStatus
from models.submission import ExpertView, ReviewSubmission, ReviewView, order_of
from models.tables import Review
from models.wire import Wire
from starter.api import cursors, routing
from starter.api.auth import may
from starter.api.body import JsonBody
from starter.api.events import review_events
from starter.api.idempotency import SentKey
from starter.api.panel_models import check_quota, models_routed
from starter.api.production import production_config
from starter.api.state import ApiState, State
from starter.reviews import start_review
from starter.trials import shadow

router = routing.router("reviews")
log = logging.getLogger("conclave.api")

Reader = Annotated[str, may(Action.REVIEWS_READ)]
Writer = Annotated[str, may(Action.REVIEWS_WRITE)]

MAX_SUBMISSION_BYTES = 64 * 1024


REPORT_CONTENT = routing.texts(*(kind for kind, _, _ in FORMATS.values()))
EVENT = {
    "type": "object",
    "properties": {"event": {"enum": ["progress", "ended"]}, "data": {"type": "string"}},
    "required": ["event", "data"],
}
"""One of the stream; `data` is a `ReviewView`."""


class ReviewPage(Wire):
    """Some reviews, newest first."""

    reviews: tuple[ReviewView, ...] = Field(default=())
    next_cursor: str | None = None
    """Pass as `cursor` for the next page; None at the end."""


@router.post("/reviews", status_code=202, response_model=ReviewView, responses=routing.refuses(404))
async def submit_review(
    response: Response,
    owner: Writer,
    key: SentKey,
    state: State,
    submission: Annotated[ReviewSubmission, Depends(JsonBody(ReviewSubmission, MAX_SUBMISSION_BYTES))],
) -> ReviewView:
    """Accept a review of a stored source. It runs on whatever becomes of this connection."""
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
    settings = state.services.settings
    limits = OpenReviews(settings.max_open_reviews_per_caller, settings.max_open_reviews)
    row, fresh = await state.services.reviews.accept(owner, order, digest, key, limits)
    response.headers["Location"] = f"/reviews/{row.id}"
    if not fresh:
        if row.request_hash != digest:
            raise BodyDiffers
        response.headers["Idempotent-Replayed"] = "true"
        return await view_of(row, state)
    try:
        await start_review(state.services.temporal, prefix, order)
    except RPCError:
        # The row is kept: the reconciler starts it as soon as Temporal answers again.
        log.warning("review_start_deferred review_id=%s", order.review_id)
    state.services.telemetry.meters.note(of_order(order))
    await shadow(state.services, order, submission, manifest)
    return await view_of(row, state)


@router.get("/reviews")
async def list_reviews(
    owner: Reader,
    state: State,
    cursor: cursors.Cursor = None,
    page_size: cursors.PageSize = 20,
    status: Annotated[list[ReviewStatus] | None, Query(max_length=len(ReviewStatus))] = None,
) -> ReviewPage:
    """The caller's reviews, newest first; `status`, which may be repeated, leaves out the others."""
    rows = await state.services.reviews.page(owner, cursors.moment_of(cursor), page_size + 1, status or ())
    shown, following = cursors.cut(rows, page_size, lambda row: cursors.of_moment(row.created_at, row.id))
    return ReviewPage(reviews=tuple([await view_of(row, state) for row in shown]), next_cursor=following)


@router.get("/reviews/{review_id}")
async def read_review(review_id: str, owner: Reader, state: State) -> ReviewView:
    """How a review goes."""
    return await view_of(await state.services.reviews.get(owner, review_id), state)


@router.get(
    "/reviews/{review_id}/events",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"schema": EVENT}}}},
)
async def follow_review(review_id: str, request: Request, owner: Reader, state: State) -> EventSourceResponse:
    """The review as server-sent events: `progress` at every change, `ended` once at the end."""
    await state.services.reviews.get(owner, review_id)

    async def look() -> ReviewView:
        return await view_of(await state.services.reviews.get(owner, review_id), state)

    return EventSourceResponse(review_events(look, request.is_disconnected))


@router.get(
    "/reviews/{review_id}/report",
    response_class=Response,
    responses={200: {"model": ReviewReport, "content": REPORT_CONTENT}, **routing.refuses(409)},
)
async def read_report(
    review_id: str,
    owner: Reader,
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

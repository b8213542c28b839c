"""Comparisons: asked for by operators, run by a durable process, read by everybody."""

import asyncio
import hashlib
import logging
import uuid
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query, Response
from temporalio.service import RPCError

from activities.comparison_ports import ComparisonCreation, DatasetsDiffer, NotMeasured
from activities.experiment_ports import NoSamples
from activities.idempotency_ports import BodyDiffers
from activities.reports.comparison_formats import MEDIA_TYPES, ComparisonFormat, render_comparison
from activities.stats.apart import apart
from models.access import Action
from models.comparison import (
    ENDED,
    ComparisonPage,
    ComparisonReport,
    ComparisonRequest,
    ComparisonStatus,
    ComparisonView,
    ExportRequest,
    TestPage,
)
from models.errors import InvalidInput
from models.tables import Comparison
from starter.api import cursors, routing
from starter.api.auth import may
from starter.api.body import JsonBody, NoBody
from starter.api.comparison_views import view_of, views_of
from starter.api.contenders import candidate, contender, id_of
from starter.api.idempotency import SentKey
from starter.api.state import ApiState, State
from starter.comparisons import cancel_comparison, start_comparison
from starter.provider_services import price_table

router = routing.router("comparisons")
log = logging.getLogger("conclave.api")

Reader = Annotated[str, may(Action.COMPARISONS_READ)]
Writer = Annotated[str, may(Action.COMPARISONS_WRITE)]

MAX_BODY_BYTES = 64 * 1024


@router.post("/comparisons", status_code=202, responses=routing.refuses(404))
async def create_comparison(
    response: Response,
    owner: Writer,
    key: SentKey,
    state: State,
    body: Annotated[ComparisonRequest, Depends(JsonBody(ComparisonRequest, MAX_BODY_BYTES))],
) -> ComparisonView:
    """Compare two configurations. It runs on whatever becomes of this connection."""
    wanted = await _creation(body, owner, key, state)
    try:
        row, fresh = await state.services.versions.comparisons.create(wanted)
    except NoSamples:
        raise InvalidInput("no_samples", "The two have no sample in common that is asked for.") from None
    except DatasetsDiffer:
        raise InvalidInput(
            "datasets_differ",
            "The two experiments are of different datasets, or of different versions of one; give `dataset_id` to run "
            "both anew on one.",
            409,
        ) from None
    except NotMeasured:
        raise InvalidInput(
            "experiment_not_measured", "An experiment that is compared must have come to its end; wait for it.", 409
        ) from None
    response.headers["Location"] = f"/comparisons/{row.id}"
    if not fresh:
        if row.request_hash != wanted.request_hash:
            raise BodyDiffers
        response.headers["Idempotent-Replayed"] = "true"
    else:
        await _begun(row, state)
    return await view_of(row, state)


@router.get("/comparisons")
async def list_comparisons(
    _owner: Reader,
    state: State,
    cursor: cursors.Cursor = None,
    page_size: cursors.PageSize = 20,
    status: Annotated[list[ComparisonStatus] | None, Query(max_length=len(ComparisonStatus))] = None,
) -> ComparisonPage:
    """Comparisons, newest first, without what came of them: that is in each one's own answer. `status` may be
    repeated.
    """
    rows = await state.services.versions.comparisons.page(cursors.moment_of(cursor), page_size + 1, status or ())
    shown, following = cursors.cut(rows, page_size, lambda row: cursors.of_moment(row.created_at, row.id))
    return ComparisonPage(comparisons=tuple(await views_of(shown, state)), next_cursor=following)


@router.get("/comparisons/{comparison_id}")
async def read_comparison(comparison_id: str, _owner: Reader, state: State) -> ComparisonView:
    """How a comparison goes, and what came of it."""
    return await view_of(await state.services.versions.comparisons.row(comparison_id), state)


@router.get("/comparisons/{comparison_id}/statistical-tests", responses=routing.refuses(409))
async def read_tests(comparison_id: str, _owner: Reader, state: State) -> TestPage:
    """Every test of a comparison, with its method, n, effect size and seed."""
    return TestPage(statistical_tests=(await _report(comparison_id, state)).statistical_tests)


@router.post("/comparisons/{comparison_id}/cancel", status_code=202)
async def stop_comparison(comparison_id: str, _owner: Writer, state: State, _body: NoBody) -> ComparisonView:
    """End a comparison without a recommendation; its runs are cancelled."""
    store = state.services.versions.comparisons
    row = await store.row(comparison_id)
    if row.status in ENDED:
        raise InvalidInput("comparison_ended", f"The comparison has ended ({row.status}).", 409)
    try:
        await cancel_comparison(state.services.temporal, row.id)
    except LookupError:
        await store.set_status(row.id, ComparisonStatus.CANCELLED)
    return await view_of(await store.row(row.id), state)


@router.post(
    "/comparisons/{comparison_id}/export",
    response_class=Response,
    responses={200: {"model": ComparisonReport, "content": routing.texts(*MEDIA_TYPES.values())}},
)
async def export_comparison(
    comparison_id: str,
    _owner: Reader,
    state: State,
    body: Annotated[ExportRequest, Depends(JsonBody(ExportRequest, MAX_BODY_BYTES))],
) -> Response:
    """The report as a file: PDF, one self-contained HTML page, CSV or JSON."""
    wanted = ComparisonFormat(body.format)
    # In a process of its own: what draws and typesets is large, and this one answers others meanwhile.
    made = await apart(_rendered, (await _report(comparison_id, state), wanted))
    name = f'attachment; filename="comparison-{comparison_id}.{wanted}"'
    return Response(made, media_type=MEDIA_TYPES[wanted], headers={"Content-Disposition": name})


@router.get("/versions/{v1_id}/compare/{v2_id}")
async def compare_versions(v1_id: str, v2_id: str, _owner: Reader, state: State) -> ComparisonReport:
    """The newest report that compares two versions (or experiments); `POST /comparisons` makes one."""
    v1, v2 = await asyncio.gather(id_of(v1_id, state), id_of(v2_id, state))
    row = await state.services.versions.comparisons.latest(v1, v2)
    assert row.report is not None
    return ComparisonReport.model_validate(row.report)


def _rendered(what: tuple[ComparisonReport, ComparisonFormat]) -> bytes:
    return render_comparison(*what)


async def _report(comparison_id: str, state: ApiState) -> ComparisonReport:
    report = await state.services.versions.comparisons.report(comparison_id)
    if report is None:
        raise InvalidInput("comparison_not_ready", "The comparison has no report (yet); read its status.", 409)
    return report


async def _creation(body: ComparisonRequest, owner: str, key: str | None, state: ApiState) -> ComparisonCreation:
    """What is to be stored: both sides looked up, on which dataset, at which prices."""
    recorded = body.dataset_id is None
    v1 = await contender(body.v1, state, recorded=recorded)
    v2 = candidate(body.config) if body.config else await contender(body.v2 or "", state, recorded=recorded)
    if body.dataset_id is None:
        assert v1.recorded is not None
        dataset_id, prices = (await state.services.versions.experiments.get(v1.recorded)).dataset_id, None
    else:
        dataset_id, prices = body.dataset_id, await price_table(state.services.providers).fingerprint()
        await state.services.versions.datasets.get(dataset_id)
        for each in (v1, v2):
            await state.services.versions.blacklist.check(each.side.config_hash)
    return ComparisonCreation(
        id=uuid.uuid4().hex,
        name=body.name or f"{v1.side.ref[:12]} against {v2.side.ref[:12]} {datetime.now(UTC):%Y-%m-%d %H.%M.%S}",
        request=body,
        v1=v1,
        v2=v2,
        dataset_id=dataset_id,
        prices=prices,
        by=owner,
        request_hash=hashlib.sha256(body.model_dump_json().encode()).hexdigest(),
        idempotency_key=key,
    )


async def _begun(row: Comparison, state: ApiState) -> None:
    """Start its process."""
    try:
        await start_comparison(state.services.temporal, state.services.settings.task_queue, row)
    except RPCError:
        # The row is kept: the reconciler starts it as soon as Temporal answers again.
        log.warning("comparison_start_deferred comparison_id=%s", row.id)

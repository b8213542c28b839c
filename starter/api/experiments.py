"""Experiments: asked for by operators, run by a durable process, read by everybody."""

import hashlib
import logging
import uuid
from typing import Annotated

from fastapi import Depends, Query, Response
from temporalio.service import RPCError

from activities.experiment_ports import ConfigQuarantined, Creation, NoSamples, NotEvaluated
from activities.idempotency_ports import BodyDiffers
from models.access import Action
from models.audit import AuditAction, AuditEvent
from models.errors import InvalidInput
from models.experiment import (
    ENDED,
    ExperimentPage,
    ExperimentRequest,
    ExperimentStatus,
    ExperimentView,
    OverrideRequest,
)
from models.measure import Metrics
from models.reviewer_config import RULE_PACK, config_hash
from models.tables import Experiment
from models.verdict import Override
from starter.api import cursors, routing
from starter.api.auth import may
from starter.api.body import JsonBody, NoBody
from starter.api.experiment_views import view_of, views_of
from starter.api.idempotency import SentKey
from starter.api.state import ApiState, State
from starter.experiments import cancel_experiment, hold_experiment, start_experiment

router = routing.router("experiments")
log = logging.getLogger("conclave.api")

Reader = Annotated[str, may(Action.EXPERIMENTS_READ)]
Writer = Annotated[str, may(Action.EXPERIMENTS_WRITE)]

MAX_BODY_BYTES = 64 * 1024


@router.post("/experiments", status_code=202, responses=routing.refuses(404))
async def create_experiment(
    response: Response,
    owner: Writer,
    key: SentKey,
    state: State,
    body: Annotated[ExperimentRequest, Depends(JsonBody(ExperimentRequest, MAX_BODY_BYTES))],
) -> ExperimentView:
    """Measure a configuration on a dataset. It runs on whatever becomes of this connection."""
    await state.services.versions.datasets.get(body.dataset_id)
    if body.config.rule_pack != RULE_PACK:
        raise InvalidInput("rule_pack_unknown", f"`config.rule_pack` is not installed; this release has {RULE_PACK}.")
    await _check_blacklist(config_hash(body.config), owner, state)
    wanted = Creation(
        id=uuid.uuid4().hex,
        request=body,
        policy=body.policy or state.services.settings.policy,
        by=owner,
        request_hash=hashlib.sha256(body.model_dump_json().encode()).hexdigest(),
        idempotency_key=key,
    )
    try:
        row, fresh = await state.services.versions.experiments.create(wanted)
    except NoSamples:
        raise InvalidInput("no_samples", "`split` has no sample in this dataset; leave it out for all.") from None
    response.headers["Location"] = f"/experiments/{row.id}"
    if not fresh:
        if row.request_hash != wanted.request_hash:
            raise BodyDiffers
        response.headers["Idempotent-Replayed"] = "true"
    elif body.start:
        row = await _begun(row, state)
    return await view_of(row, state)


@router.get("/experiments")
async def list_experiments(
    _owner: Reader,
    state: State,
    cursor: cursors.Cursor = None,
    page_size: cursors.PageSize = 20,
    status: Annotated[list[ExperimentStatus] | None, Query(max_length=len(ExperimentStatus))] = None,
) -> ExperimentPage:
    """Experiments, newest first, without what was measured: that is in each one's own answer. `status` may be
    repeated.
    """
    rows = await state.services.versions.experiments.page(cursors.moment_of(cursor), page_size + 1, status or ())
    shown, following = cursors.cut(rows, page_size, lambda row: cursors.of_moment(row.created_at, row.id))
    return ExperimentPage(experiments=tuple(await views_of(shown, state)), next_cursor=following)


@router.get("/experiments/{experiment_id}")
async def read_experiment(experiment_id: str, _owner: Reader, state: State) -> ExperimentView:
    """How an experiment goes, and what came of it."""
    return await view_of(await state.services.versions.experiments.row(experiment_id), state)


@router.get("/experiments/{experiment_id}/metrics", responses=routing.refuses(409))
async def read_metrics(experiment_id: str, _owner: Reader, state: State) -> Metrics:
    """What it measured."""
    await state.services.versions.experiments.row(experiment_id)
    evaluation = await state.services.versions.experiments.evaluation(experiment_id)
    if evaluation is None:
        raise InvalidInput("metrics_not_ready", "The experiment is not evaluated (yet); read its status.", 409)
    return evaluation.metrics


@router.post("/experiments/{experiment_id}/evaluate", status_code=202)
async def evaluate_experiment(experiment_id: str, owner: Writer, state: State, _body: NoBody) -> ExperimentView:
    """Start an experiment, or evaluate one that failed: samples that are over are not reviewed again."""
    row = await state.services.versions.experiments.row(experiment_id)
    if row.status in ENDED and row.status != ExperimentStatus.FAILED.value:
        raise _ended(row)
    await _check_blacklist(row.config_hash, owner, state)
    return await view_of(await _begun(row, state), state)


@router.post("/experiments/{experiment_id}/pause")
async def pause_experiment(experiment_id: str, _owner: Writer, state: State, _body: NoBody) -> ExperimentView:
    """Begin no further sample; those that are under way end."""
    return await _held(experiment_id, state, paused=True)


@router.post("/experiments/{experiment_id}/resume")
async def resume_experiment(experiment_id: str, _owner: Writer, state: State, _body: NoBody) -> ExperimentView:
    """Go on with a paused experiment."""
    return await _held(experiment_id, state, paused=False)


@router.post("/experiments/{experiment_id}/cancel", status_code=202)
async def stop_experiment(experiment_id: str, _owner: Writer, state: State, _body: NoBody) -> ExperimentView:
    """End an experiment without a verdict; its reviews are cancelled."""
    row = await state.services.versions.experiments.row(experiment_id)
    if row.status in ENDED:
        raise _ended(row)
    try:
        if row.status == ExperimentStatus.CREATED.value:
            raise LookupError
        await cancel_experiment(state.services.temporal, row.id)
    except LookupError:
        await state.services.versions.experiments.set_status(row.id, ExperimentStatus.CANCELLED)
    return await view_of(await state.services.versions.experiments.row(row.id), state)


@router.post("/experiments/{experiment_id}/verdict")
async def override_verdict(
    experiment_id: str,
    owner: Writer,
    state: State,
    body: Annotated[OverrideRequest, Depends(JsonBody(OverrideRequest, MAX_BODY_BYTES))],
) -> ExperimentView:
    """Put a person's verdict over the AI's. The gate stays as it decided; approvals given before are void."""
    row = await state.services.versions.experiments.row(experiment_id)
    try:
        await state.services.versions.experiments.override(
            row.id, Override(verdict=body.verdict, reason=body.reason, by=owner)
        )
    except NotEvaluated:
        raise InvalidInput(
            "verdict_not_open", "Only an evaluated experiment that is not promoted has a verdict to override.", 409
        ) from None
    return await view_of(await state.services.versions.experiments.row(row.id), state)


def _ended(row: Experiment) -> InvalidInput:
    return InvalidInput("experiment_ended", f"The experiment has ended ({row.status}); create another one.", 409)


async def _check_blacklist(config: str, owner: str, state: ApiState) -> None:
    """Refuse a quarantined configuration; who asked for it is on the audit chain."""
    try:
        await state.services.versions.blacklist.check(config)
    except ConfigQuarantined:
        event = AuditEvent(action=AuditAction.CONFIG_REFUSED, actor=owner, subject=config, data={"what": "experiment"})
        await state.services.versions.audit.append(event)
        raise


async def _begun(row: Experiment, state: ApiState) -> Experiment:
    """Count it as under way, and start its process."""
    if await state.services.versions.experiments.begin(row.id) in ENDED:
        raise _ended(await state.services.versions.experiments.row(row.id))
    try:
        await start_experiment(state.services.temporal, state.services.settings.task_queue, row)
    except RPCError:
        # The row is kept: the reconciler starts it as soon as Temporal answers again.
        log.warning("experiment_start_deferred experiment_id=%s", row.id)
    return await state.services.versions.experiments.row(row.id)


async def _held(experiment_id: str, state: ApiState, *, paused: bool) -> ExperimentView:
    row = await state.services.versions.experiments.row(experiment_id)
    if row.status in ENDED:
        raise _ended(row)
    try:
        heeded = await hold_experiment(state.services.temporal, row.id, paused=paused)
    except LookupError:
        heeded = False
    if not heeded:
        raise InvalidInput(
            "experiment_not_running", "Only an experiment whose samples are under way pauses or goes on.", 409
        )
    return await view_of(await state.services.versions.experiments.row(row.id), state)

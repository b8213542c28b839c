"""Trials: a candidate beside stable on a share of the live reviews. Operators start and stop them, everybody reads."""

from typing import Annotated

from fastapi import Depends, Response

from activities.experiment_ports import ConfigQuarantined
from activities.trial_ports import ConfigStable, TrialRunning
from models.access import Action
from models.audit import AuditAction, AuditEvent
from models.errors import InvalidInput
from models.quota import QuotaLimits
from models.reservation import MICRO
from models.trial import PAYER, StopRequest, Trial, TrialPage, TrialRequest
from starter.api import cursors, routing
from starter.api.auth import may
from starter.api.body import JsonBody
from starter.api.state import ApiState, State

router = routing.router("trials")

Reader = Annotated[str, may(Action.TRIALS_READ)]
Writer = Annotated[str, may(Action.TRIALS_WRITE)]

MAX_BODY_BYTES = 4 * 1024


@router.post(
    "/trials",
    status_code=201,
    responses={200: {"model": Trial, "description": "It runs already."}, **routing.refuses(404)},
)
async def start_trial(
    response: Response,
    owner: Writer,
    state: State,
    body: Annotated[TrialRequest, Depends(JsonBody(TrialRequest, MAX_BODY_BYTES))],
) -> Trial:
    """Let an experiment's configuration review a share of the repositories too, in the background.

    Asking again for the trial that runs gives that one.
    """
    experiment = await state.services.versions.experiments.get(body.experiment_id)
    await _grant_money(state)
    try:
        trial, fresh = await state.services.versions.trials.start(experiment, body.share_percent, owner)
    except TrialRunning as error:
        raise InvalidInput(
            "trial_running", "Another trial runs; stop it first.", 409, trial_id=error.trial_id
        ) from None
    except ConfigStable:
        raise InvalidInput(
            "already_stable", "The configuration is the stable one; there is nothing to compare it with.", 409
        ) from None
    except ConfigQuarantined:
        event = AuditEvent(
            action=AuditAction.CONFIG_REFUSED, actor=owner, subject=experiment.config_hash, data={"what": "trial"}
        )
        await state.services.versions.audit.append(event)
        raise
    response.headers["Location"] = f"/trials/{trial.id}"
    if not fresh:
        response.status_code = 200
    return trial


@router.get("/trials")
async def list_trials(
    _owner: Reader, state: State, cursor: cursors.Cursor = None, page_size: cursors.PageSize = 20
) -> TrialPage:
    """Trials, newest first, without what they show: that is in each one's own answer."""
    found = await state.services.versions.trials.page(cursors.moment_of(cursor), page_size + 1)
    shown, following = cursors.cut(found, page_size, lambda row: cursors.of_moment(row.started_at, row.id))
    return TrialPage(trials=tuple(shown), next_cursor=following)


@router.get("/trials/{trial_id}")
async def read_trial(trial_id: str, _owner: Reader, state: State) -> Trial:
    """A trial with what it shows so far."""
    return await state.services.versions.trials.get(trial_id)


@router.post("/trials/{trial_id}/stop")
async def stop_trial(
    trial_id: str,
    owner: Writer,
    state: State,
    body: Annotated[StopRequest, Depends(JsonBody(StopRequest, MAX_BODY_BYTES))],
) -> Trial:
    """End a trial; its reviews that are under way are cancelled. One that has ended stays as it is."""
    return await state.services.versions.trials.stop(trial_id, body.reason, owner)


async def _grant_money(state: ApiState) -> None:
    """What trials may spend is what the setting says when one starts, and nobody else's money."""
    daily = state.services.settings.trials_daily_usd
    await state.services.providers.quotas.set(PAYER, QuotaLimits(daily_micro_usd=int(daily * MICRO)))

"""Shadows: a trial's candidate reviews in the background what users had reviewed, after them and never in their way."""

import logging
from datetime import UTC, datetime

from temporalio.service import RPCError, RPCStatusCode

from activities.trial_ports import OpenPair, RunningTrial
from models.ids import analysis_queue, models_queue, review_workflow_id
from models.order import ReviewOrder
from models.review import ReviewStatus
from models.source import SourceManifest
from models.submission import ReviewSubmission, order_of
from models.trial import PAYER, candidate_review_id, chosen, repository_key
from starter.api.panel_models import models_routed
from starter.composition import Services
from starter.reviews import ended_as, start_review

log = logging.getLogger("conclave.api")

AT_ONCE = 16
"""Shadows that are looked after at a time, so that they never crowd out what users wait for."""


async def shadow(services: Services, live: ReviewOrder, submission: ReviewSubmission, manifest: SourceManifest) -> None:
    """Let the running trial's candidate review the same source, if its share covers the repository.

    Never raises: whatever goes wrong here, the user's review goes on.
    """
    try:
        trial = await services.versions.trials.running()
        if trial is None or not chosen(repository_key(live.owner, live.label), trial.id, trial.share_percent):
            return
        order = await _order(services, trial, live.review_id, submission, manifest)
        await services.versions.trials.add(trial.id, live.review_id, order)
    except Exception as error:
        log.warning("shadow_left_out review_id=%s reason=%s", live.review_id, type(error).__name__)


async def _order(
    services: Services, trial: RunningTrial, review_id: str, submission: ReviewSubmission, manifest: SourceManifest
) -> ReviewOrder:
    """What was asked for, as the candidate does it. Who pays is not the user."""
    prefix, models = services.settings.task_queue, trial.config.models
    asked = await _within_reach(services, submission)
    return order_of(
        asked,
        manifest,
        review_id=candidate_review_id(trial.id, review_id),
        config=trial.config,
        models_routed=await models_routed(asked, PAYER, services.providers, models),
        owner=PAYER,
        analysis_queue=analysis_queue(prefix),
        models_queue=models_queue(prefix),
    )


async def _within_reach(services: Services, submission: ReviewSubmission) -> ReviewSubmission:
    """The same without waiting for money, and asking nobody whom the user left out.

    Of the providers that the user named, those that everybody may ask are left. Where none is, no model is asked.
    """
    usable = {provider.name for provider, _ in await services.providers.router.usable(PAYER)}
    reachable = tuple(name for name in submission.providers if name in usable)
    return submission.model_copy(
        update={
            "wait_for_quota": False,
            "providers": reachable,
            "use_models": submission.use_models and bool(reachable or not submission.providers),
        }
    )


async def reconcile_trials(services: Services) -> None:
    """Start shadows whose live review is over; end what ended without a word, and what is no longer wanted.

    Raises:
        RPCError: Temporal cannot be reached.
        StoreUnavailable: the database cannot be reached.
    """
    for pair in await services.versions.trials.open_pairs(AT_ONCE):
        await (_kept_alive(services, pair) if pair.wanted else _dropped(services, pair))


async def _kept_alive(services: Services, pair: OpenPair) -> None:
    try:
        status = await ended_as(services.temporal, pair.review_id)
    except LookupError:
        await start_review(services.temporal, services.settings.task_queue, pair.order, tier="experimental")
        return
    if status is not None:
        await services.reviews.finish(pair.review_id, status, f"process_{status}", datetime.now(UTC))


async def _dropped(services: Services, pair: OpenPair) -> None:
    """End a shadow whose trial has ended: nothing more is spent on it."""
    try:
        await services.temporal.get_workflow_handle(review_workflow_id(pair.review_id)).cancel()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    await services.reviews.finish(pair.review_id, ReviewStatus.CANCELLED, "trial_stopped", datetime.now(UTC))

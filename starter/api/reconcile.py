"""Reviews that the database believes to be running, held against what Temporal says."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from temporalio.service import RPCError

from activities.ports import StoreUnavailable
from models.measuring import of_review
from models.metrics import ReviewEnd
from models.order import ReviewOrder
from starter.comparisons import reconcile_comparisons
from starter.composition import Services
from starter.experiments import reconcile_experiments
from starter.promotions import reconcile_promotions
from starter.reviews import ended_as, start_review
from starter.trials import reconcile_trials

log = logging.getLogger("conclave.api")

EVERY_SECONDS = 5.0
SETTLED = timedelta(seconds=5)
"""A younger review may just be on its way to Temporal."""


async def reconcile_once(services: Services) -> None:
    """Start what was accepted and never started; end what ended without a report.

    Raises:
        RPCError: Temporal cannot be reached.
        StoreUnavailable: the database cannot be reached.
    """
    for row in await services.reviews.unfinished():
        if datetime.now(UTC) - row.created_at < SETTLED:
            continue
        try:
            status = await ended_as(services.temporal, row.id)
        except LookupError:
            log.warning("review_started_late review_id=%s", row.id)
            await start_review(
                services.temporal, services.settings.task_queue, ReviewOrder.model_validate(row.review_order)
            )
            continue
        if status is not None:
            log.warning("review_ended_without_report review_id=%s status=%s", row.id, status)
            await services.reviews.finish(row.id, status, f"process_{status}", datetime.now(UTC))
            services.telemetry.meters.note([of_review(row.review_order["mode"], ReviewEnd(status))])
    await reconcile_promotions(services)
    await reconcile_experiments(services)
    await reconcile_comparisons(services)
    await reconcile_trials(services)


async def reconcile_forever(services: Services) -> None:
    """Reconcile every few seconds; a part that is down is waited for."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            await reconcile_once(services)
        except (RPCError, StoreUnavailable) as error:
            log.warning("reconcile_postponed reason=%s", type(error).__name__)

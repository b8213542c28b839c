"""The step that ends what dead processes left open."""

from temporalio import activity

from activities.error_mapping import translated
from activities.provider_ports import ReservationSweeper
from models.reservation import SweepOrder, SweepReport


class QuotaSweepActivities:
    """Sweeps reservations."""

    def __init__(self, sweeper: ReservationSweeper) -> None:
        self._sweeper = sweeper

    @activity.defn
    async def sweep_reservations(self, order: SweepOrder) -> SweepReport:
        """One pass over the open reservations, and over the counters. Running it twice changes nothing more."""
        with translated():
            return await self._sweeper.sweep(order.grace_seconds, activity.heartbeat)

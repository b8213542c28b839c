"""The steps of the monitor: compare the pairs of a trial, and watch how reviews with the stable version go."""

from temporalio import activity

from activities.error_mapping import translated
from activities.experiment_ports import ChangeRefused
from activities.review import heartbeating
from activities.trial_ports import Production, Trials, Watch
from models.monitor import ErrorRule, LowerBound, MonitorOrder, StableTick, TrialTick
from models.trial_report import compare
from models.version import Version

CONCLAVE = "conclave"
"""Who does what happens by itself."""

PAGE = 20
"""Pairs of reports that are in memory at once."""


class MonitorActivities:
    """Every step may run twice: what is noted stays, and nobody is told, or rolled back, again."""

    def __init__(
        self,
        trials: Trials,
        watch: Watch,
        production: Production,
        *,
        rule: ErrorRule,
        lower_bound: LowerBound,
        auto_rollback: bool,
    ) -> None:
        """Watch one service.

        Args:
            trials: the store of trials.
            watch: counts reviews.
            production: the stable version.
            rule: how much may go wrong.
            lower_bound: of an error rate.
            auto_rollback: whether the version before a stable one that errs too often comes back by itself.
        """
        self._trials = trials
        self._watch = watch
        self._production = production
        self._rule = rule
        self._lower_bound = lower_bound
        self._auto_rollback = auto_rollback

    @activity.defn
    async def follow_trials(self, order: MonitorOrder) -> TrialTick:
        """Stop a trial that must not go on, and compare pairs that are over."""
        compared = 0
        with translated():
            async with heartbeating():
                stopped = await self._trials.stop_unfit()
                while compared < order.pairs:
                    pairs = await self._trials.finished(min(PAGE, order.pairs - compared))
                    if not pairs:
                        break
                    for pair in pairs:
                        await self._trials.note(pair, compare(pair.stable, pair.candidate))
                    compared += len(pairs)
        return TrialTick(compared=compared, stopped=stopped)

    @activity.defn
    async def watch_stable(self, order: MonitorOrder) -> StableTick:
        """Raise an alert when reviews with the stable version err too often; go back to the one before if so set."""
        with translated():
            version = await self._production.current()
            seen = await self._watch.look(version, self._rule.window, self._breached)
            tick = StableTick(
                version=version.number,
                reviews=seen.reviews,
                errors=seen.errors,
                breached=seen.breached,
                alerted=seen.alerted,
            )
            if not (seen.breached and self._auto_rollback) or await self._watch.rollback_tried(version.id):
                return tick
            return tick.model_copy(update=await self._rolled_back(version, tick))

    def _breached(self, errors: int, reviews: int) -> bool:
        return self._rule.breached(errors, reviews, self._lower_bound)

    async def _rolled_back(self, version: Version, tick: StableTick) -> dict[str, int | str]:
        reason = f"Too many errors: {tick.errors} of its latest {tick.reviews} reviews."
        try:
            now = await self._production.rollback(reason, CONCLAVE, version.id, f"stable-errors:{version.id}")
        except ChangeRefused as error:
            return {"refused": error.refusal.value}
        return {"rolled_back_to": now.number}

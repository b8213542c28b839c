"""The monitor of what is in production: what it is told, what it sees, and when too much goes wrong."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import Field

from models.wire import Wire

LEAST_REVIEWS = 10
"""Fewer decide nothing: the monitor looks every few minutes, and two failures in a row are bad luck soon enough."""

LowerBound = Callable[[int, int], float]
"""One-sided 95 % lower bound of a share, by errors and reviews (Clopper-Pearson)."""


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """How much may go wrong."""

    window: int = 50
    """The latest reviews that count."""
    limit: float = 0.05
    """Highest error rate that is borne."""

    def breached(self, errors: int, reviews: int, lower_bound: LowerBound) -> bool:
        """Whether the error rate is above the limit, and not by chance: its lower bound is too."""
        if reviews < LEAST_REVIEWS or errors <= self.limit * reviews:
            return False
        return lower_bound(errors, reviews) > self.limit


class MonitorOrder(Wire):
    """What one tick is to do."""

    pairs: int = Field(default=500, ge=1)
    """Pairs of a trial that are compared at most; the next tick goes on."""


class TrialTick(Wire):
    """What a tick did about trials."""

    compared: int = Field(default=0, ge=0)
    stopped: str | None = None
    """Id of the trial that could not go on."""


class StableTick(Wire):
    """What a tick saw of the stable version."""

    version: int
    """Its number."""
    reviews: int = Field(default=0, ge=0)
    """That ended, at most those of the window."""
    errors: int = Field(default=0, ge=0)
    breached: bool = False
    alerted: bool = False
    """An alert was raised now."""
    rolled_back_to: int | None = None
    """Number of the version that this tick brought back."""
    refused: str | None = None
    """Why it could bring none back."""


class MonitorReport(Wire):
    """What one tick did."""

    trials: TrialTick
    stable: StableTick
